"""What a plan is to aim at: what a call is worth, or what is wanted instead."""

from __future__ import annotations

from collections.abc import Mapping

from bide.errors import ConfigError

TARGETS = ("call_cost", "mean_lag", "calls")
"""The ways to say it; each plan has exactly one."""


def targets_of(strategy: object) -> dict[str, float | None]:
    """Return what a strategy has of each of `TARGETS`."""
    return {name: getattr(strategy, name) for name in TARGETS}


def target_among(settings: Mapping[str, float | None], example: str = "call_cost=1s") -> tuple[str, float]:
    """
    Return the target that is given, and its value.

    Args:
        settings: a value for each of `TARGETS`, or None.
        example: of how to say it, for the error.

    Raises:
        ConfigError: not exactly one is given.
    """
    given = [(name, value) for name, value in settings.items() if value is not None]
    if len(given) != 1:
        names = " and ".join(name for name, _ in given) or "none"
        raise ConfigError(f"needs exactly one of {', '.join(TARGETS)}, got {names}; such as {example}")
    return given[0]
