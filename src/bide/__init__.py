"""
bide waits for long-running jobs: it decides when to look next.

Importing it loads attrs and the standard library only; what needs more is loaded when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bide.driver import Update
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
    TokenError,
    WaitCancelled,
    WaitError,
    WaitTimeout,
)
from bide.outcome import End, Outcome
from bide.policy import Hints, Limits, Policy
from bide.poller import AsyncPoller, Poller
from bide.registry import register
from bide.strategy import Observation, Situation, Strategy
from bide.wait import Wait

if TYPE_CHECKING:
    from bide.bounds import (
        Bounds,
        delay_bounds,
        give_up_bounds,
        max_total_sleep,
        request_bounds,
        schedule_bounds,
    )
    from bide.config import from_config, load_policy, to_config
    from bide.http import (
        AsyncHttpPoller,
        AsyncJobClient,
        HttpJob,
        HttpPoller,
        JobClient,
        JobMapping,
    )
    from bide.resolve import resolve_policy

__version__ = "0.1.0"

__all__ = [
    "AsyncHttpPoller",
    "AsyncJobClient",
    "AsyncPoller",
    "AttemptsExhausted",
    "BideError",
    "Bounds",
    "ConfigError",
    "End",
    "Hints",
    "HttpJob",
    "HttpPoller",
    "JobCancelled",
    "JobClient",
    "JobFailed",
    "JobMapping",
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
    "TokenError",
    "Update",
    "Wait",
    "WaitCancelled",
    "WaitError",
    "WaitTimeout",
    "delay_bounds",
    "from_config",
    "give_up_bounds",
    "load_policy",
    "max_total_sleep",
    "register",
    "request_bounds",
    "resolve_policy",
    "schedule_bounds",
    "to_config",
]

_LATER = {
    "AsyncHttpPoller": "bide.http",
    "AsyncJobClient": "bide.http",
    "Bounds": "bide.bounds",
    "HttpJob": "bide.http",
    "HttpPoller": "bide.http",
    "JobClient": "bide.http",
    "JobMapping": "bide.http",
    "delay_bounds": "bide.bounds",
    "from_config": "bide.config",
    "give_up_bounds": "bide.bounds",
    "load_policy": "bide.config",
    "max_total_sleep": "bide.bounds",
    "request_bounds": "bide.bounds",
    "resolve_policy": "bide.resolve",
    "schedule_bounds": "bide.bounds",
    "to_config": "bide.config",
}


def __getattr__(name: str) -> Any:
    """Import what costs time or needs another package when somebody asks for it."""
    if name not in _LATER:
        raise AttributeError(f"module 'bide' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(_LATER[name]), name)
