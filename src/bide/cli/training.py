"""The demo's strategy that learns: it waits for some earlier jobs of the same server before the race."""

from __future__ import annotations

from importlib.util import find_spec

from bide.config import from_config
from bide.policy import Limits, Policy

LEARNED = "learned"
"""The name under which the demo knows it."""

JOBS = 30
"""How many earlier jobs there are."""

# A call is worth so much of the mean duration, and until something is known there is one in so much of it.
_WORTH, _INTERVAL = 0.03, 0.2


def can_learn() -> bool:
    """Say whether what it needs is installed."""
    return all(find_spec(name) is not None for name in ("numpy", "scipy"))


def untrained(durations: tuple[float, float], seed: int) -> Policy:
    """
    Return a policy that has learned nothing yet.

    Args:
        durations: of the jobs that it is for: shortest and longest, in seconds.
        seed: of the demo: others of this process do not learn from it.

    Raises:
        ImportError: the extra ``learn`` is not installed.
    """
    mean = sum(durations) / 2
    table = {
        "kind": "learned",
        "job_kind": f"demo {seed}",
        "call_cost": _WORTH * mean,
        "fallback": {"kind": "fixed", "interval": _INTERVAL * mean},
    }
    return Policy(from_config(table), Limits(max_attempts=None))
