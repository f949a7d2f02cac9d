"""Hypothesis generators of what the laws speak about."""

from hypothesis import strategies as st

from bide import Limits, Situation, Strategy
from bide_strategies import Additive, DecorrelatedJitter, Equal, Exponential, Fixed, Full, NoJitter

draws = st.floats(0, 1)
delays = st.floats(0.01, 1e6)
firsts = st.just(0.0) | delays
jitters = st.sampled_from([NoJitter(), Full(), Equal()]) | st.builds(
    Additive, share=st.floats(0, 1, exclude_min=True)
)


def _base_and_cap() -> st.SearchStrategy[tuple[float, float]]:
    return st.tuples(delays, delays).map(lambda pair: (min(pair), max(pair)))


fixed = st.builds(Fixed, interval=delays, first=firsts)
exponential = st.builds(
    lambda ends, factor, jitter, first: Exponential(
        base=ends[0], cap=ends[1], factor=factor, jitter=jitter, first=first
    ),
    _base_and_cap(),
    st.floats(1, 1e3),
    jitters,
    firsts,
)
decorrelated_jitter = st.builds(
    lambda ends, first: DecorrelatedJitter(base=ends[0], cap=ends[1], first=first), _base_and_cap(), firsts
)
shipped: st.SearchStrategy[Strategy] = st.one_of(fixed, exponential, decorrelated_jitter)

situations = st.builds(
    Situation,
    polls=st.integers(0, 100) | st.integers(0, 10**6),
    elapsed=st.floats(0, 1e9),
    previous_delay=st.floats(0, 1e9),
)

limits = st.builds(
    Limits,
    max_attempts=st.none() | st.integers(1, 50),
    timeout=st.none() | st.floats(0.001, 1e5),
    max_failures=st.none() | st.integers(1, 10),
)
