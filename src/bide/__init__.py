"""
bide waits for long-running jobs: it decides when to look next.

Importing it loads attrs and the standard library only; what needs more is loaded when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bide.errors import (
    AttemptsExhausted,
    BideError,
    ConfigError,
    JobCancelled,
    JobFailed,
    JobNotFound,
    PollsFailed,
    RequestError,
    RequestRefused,
    StrategyError,
    WaitError,
    WaitTimeout,
)
from bide.poller import Poller, Update
from bide.registry import register
from bide.strategy import Observation, Situation, Strategy
from bide.wait import End, Limits, Outcome, Wait

if TYPE_CHECKING:
    from bide.bounds import request_bounds
    from bide.config import Policy, from_config, load_policy, to_config
    from bide.http import JobClient

__version__ = "0.1.0"

__all__ = [
    "AttemptsExhausted",
    "BideError",
    "ConfigError",
    "End",
    "JobCancelled",
    "JobClient",
    "JobFailed",
    "JobNotFound",
    "Limits",
    "Observation",
    "Outcome",
    "Policy",
    "Poller",
    "PollsFailed",
    "RequestError",
    "RequestRefused",
    "Situation",
    "Strategy",
    "StrategyError",
    "Update",
    "Wait",
    "WaitError",
    "WaitTimeout",
    "from_config",
    "load_policy",
    "register",
    "request_bounds",
    "to_config",
]

_LATER = {
    "JobClient": "bide.http",
    "Policy": "bide.config",
    "from_config": "bide.config",
    "load_policy": "bide.config",
    "request_bounds": "bide.bounds",
    "to_config": "bide.config",
}


def __getattr__(name: str) -> Any:
    """Import what costs time or needs another package when somebody asks for it."""
    if name not in _LATER:
        raise AttributeError(f"module 'bide' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(_LATER[name]), name)
