"""What a wait is told before it begins: a strategy, and how it is to be used."""

from __future__ import annotations

from functools import cached_property
from typing import Literal, Self

from attrs import asdict, evolve, field, frozen

from bide.durations import Seconds
from bide.learning import learners_in
from bide.rules import STRATEGY, Has, Number, OneOf, seconds
from bide.strategy import Strategy

SHORTEST_HINT = 0.1
"""A hint that replaces a delay never makes it shorter than this many seconds: no hint makes a hot loop."""


@frozen(kw_only=True)
class Limits:
    """
    What ends a wait that the job does not end.

    Args:
        max_attempts: most calls of one wait, failed ones included; None for any number.
        timeout: seconds from the start to the deadline, where one last poll is made; None for no deadline.
        max_failures: most failed polls in a row; None for any number.
        failure_timeout: seconds that polls may go on failing, from the first failure in a row to the last
            poll; None for as long as the other limits allow.
    """

    max_attempts: int | None = field(default=10, validator=Number(least=1, whole=True, optional=True))
    timeout: Seconds | None = field(default=120.0, validator=seconds(above=0, optional=True))
    max_failures: int | None = field(default=None, validator=Number(least=1, whole=True, optional=True))
    failure_timeout: Seconds | None = field(default=30.0, validator=seconds(above=0, optional=True))


HintMode = Literal["floor", "replace", "ignore"]
"""What a hint of the server does to a delay."""


@frozen(kw_only=True)
class Hints:
    """
    What a wait makes of the server's hints about when to come back.

    A hint of zero seconds, or of a time that has passed, asks for nothing. No hint ever changes the
    `previous_delay` that the strategy sees, nor moves the deadline.

    Args:
        mode: ``floor``: never come back earlier than the hint says; ``replace``: come back when it says, also
            earlier than the strategy would, but never sooner than `SHORTEST_HINT`; ``ignore``: do as if there
            were none.
        ceiling: longest hint that is followed, in seconds; a longer one counts as this.
        jitter: greatest share of the hint that is added to it, to spread waits that were all told the same;
            >= 0. It only ever makes a poll later.
    """

    mode: HintMode = field(default="floor", validator=OneOf("floor", "replace", "ignore"))
    ceiling: Seconds = field(default=3600.0, validator=seconds(above=0))
    jitter: float = field(default=0.0, validator=Number(least=0, most=1000))

    def applied(self, hint: float, delay: float, u: float) -> float:
        """
        Return the delay that a hint makes of the one that the strategy chose, in seconds.

        Args:
            hint: seconds that the server asks for; >= 0.
            delay: seconds that the strategy chose.
            u: the draw behind that delay, in [0, 1].
        """
        asked = min(hint, self.ceiling) * (1.0 + self.jitter * u)
        if self.mode == "floor":
            return max(asked, delay)
        if self.mode == "ignore" or asked <= 0.0:
            return delay
        return max(asked, min(delay, SHORTEST_HINT))


@frozen
class Policy:
    """
    A strategy, and how it is used: all that is decided before a wait begins.

    Args:
        strategy: chooses the delays.
        limits: end a wait if the job does not.
        hints: what is made of the server's hints.
        error_strategy: chooses the delays after failed polls: after the n-th in a row what it chooses after n
            polls. None for the strategy itself. Neither moves the schedule of the job.
        initial_delay: seconds before the first poll, unless a hint asks for more; None to let the strategy
            choose.
    """

    strategy: Strategy = field(validator=STRATEGY)
    limits: Limits = field(factory=Limits, validator=Has("max_attempts", "Limits(…)"))
    hints: Hints = field(factory=Hints, validator=Has("ceiling", "Hints(…)"), kw_only=True)
    error_strategy: Strategy | None = field(
        default=None, validator=Has("delay", "a strategy, or None", optional=True), kw_only=True
    )
    initial_delay: Seconds | None = field(
        default=None, validator=seconds(least=0, optional=True), kw_only=True
    )

    @cached_property
    def learns(self) -> bool:
        """Whether the strategy, or one that it is made of, learns from the waits that it is used in."""
        return any(True for _ in learners_in(self.strategy))

    @classmethod
    def of(cls, policy: Strategy | Policy, limits: Limits | None = None) -> Self:
        """
        Return a strategy, or a policy, as one of this class.

        Args:
            policy: one of this class is returned as it is.
            limits: take the place of the policy's, if given.
        """
        if not isinstance(policy, Policy):
            return cls(policy) if limits is None else cls(policy, limits)
        made = policy if isinstance(policy, cls) else cls(**asdict(policy, recurse=False))
        return made if limits is None else evolve(made, limits=limits)
