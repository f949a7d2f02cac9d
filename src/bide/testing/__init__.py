"""The kit for people who write strategies, and for people who test what waits."""

from typing import TYPE_CHECKING, Any

from bide.testing.server import running_server
from bide.testing.virtual import ScriptedJob, VirtualClock, simulate

if TYPE_CHECKING:
    from bide.testing.laws import LAWS, LawBroken, check_strategy

__all__ = [
    "LAWS",
    "LawBroken",
    "ScriptedJob",
    "VirtualClock",
    "check_strategy",
    "running_server",
    "simulate",
]


def __getattr__(name: str) -> Any:
    """Import the laws, and with them Hypothesis, when somebody asks for them."""
    if name not in {"LAWS", "LawBroken", "check_strategy"}:
        raise AttributeError(f"module 'bide.testing' has no attribute {name!r}")
    from bide.testing import laws

    return getattr(laws, name)
