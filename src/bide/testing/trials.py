"""What the laws are tried with: Hypothesis's generators and settings, and the error that names a law."""

from __future__ import annotations

from bide.policy import Limits
from bide.strategy import Observation, Situation, Strategy

try:
    from hypothesis import HealthCheck, given, settings
    from hypothesis import strategies as st
    from hypothesis.errors import Flaky
except ImportError as error:
    raise ImportError(
        "checking strategies needs Hypothesis: install bide with its extra 'testing'"
    ) from error

__all__ = [
    "PENDING",
    "TRIALS",
    "Flaky",
    "LawBroken",
    "called",
    "draws",
    "given",
    "limits",
    "observations",
    "situations",
    "st",
]

TRIALS = settings(
    max_examples=60,
    deadline=None,
    database=None,
    derandomize=True,
    print_blob=False,
    report_multiple_bugs=False,
    suppress_health_check=[HealthCheck.too_slow],
)

PENDING = Observation("pending")

observations = st.none() | st.builds(
    Observation,
    status=st.just("pending"),
    progress=st.none() | st.floats(0, 1),
    hint=st.none() | st.floats(0, 1e9),
)
# Before the first poll there is one situation only.
situations = st.just(Situation()) | st.builds(
    Situation,
    polls=st.integers(1, 40) | st.sampled_from([100, 1_030, 10**6]) | st.integers(1, 10**6),
    elapsed=st.floats(0, 1e9),
    previous_delay=st.floats(0, 1e9),
    observation=observations,
)
draws = st.floats(0, 1)
limits = st.builds(
    Limits,
    max_attempts=st.integers(1, 40) | st.integers(40, 150),
    timeout=st.none() | st.floats(0.001, 1e6),
    max_failures=st.none(),
)


class LawBroken(AssertionError):
    """A strategy breaks a law; `law` names it, and the text shows how, ready to paste."""

    def __init__(self, law: str, message: str) -> None:
        """Name the law before what happened."""
        super().__init__(f"the law {law!r} is broken:\n{message}")
        self.law = law


def called(strategy: Strategy, situation: Situation, u: float, what: str) -> str:
    """Return a call of a strategy as one can paste it, and what it gave."""
    return f"  {strategy!r}.delay(\n    {situation!r},\n    {u!r},\n  )\n  gave {what}"
