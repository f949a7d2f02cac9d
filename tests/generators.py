"""Hypothesis generators of what the laws speak about."""

from collections.abc import Callable

from hypothesis import strategies as st

from bide import Limits, Observation, Situation, Strategy
from bide_strategies import (
    Additive,
    Clamp,
    DecorrelatedJitter,
    Equal,
    Exponential,
    Fibonacci,
    Fixed,
    FollowProgress,
    Full,
    Jitter,
    Learned,
    Linear,
    NoJitter,
    Optimal,
    PollyV2,
    Polynomial,
    Proportional,
    Scale,
    Schedule,
    Then,
)

Generator = st.SearchStrategy[Strategy]

draws = st.floats(0, 1)
delays = st.floats(0.01, 1e6)
firsts = st.just(0.0) | delays
shares = st.floats(0, 1, exclude_min=True)
jitters: st.SearchStrategy[Jitter] = st.one_of(
    st.sampled_from([NoJitter(), Equal()]),
    st.builds(Full, least=firsts),
    st.builds(Proportional, share=shares),
    st.builds(Additive, share=shares),
    st.builds(Additive, seconds=delays),
)


def _between_base_and_cap(make: Callable[..., Strategy], **fields: st.SearchStrategy[object]) -> Generator:
    """Generate what takes a base and a cap, in order, and other fields."""
    ends = st.tuples(delays, delays).map(sorted)
    return st.builds(
        lambda ends, **rest: make(base=ends[0], cap=ends[1], **rest), ends, first=firsts, **fields
    )


simple: Generator = st.one_of(
    st.builds(Fixed, interval=delays, jitter=jitters, first=firsts),
    _between_base_and_cap(Linear, step=firsts, jitter=jitters),
    _between_base_and_cap(Exponential, factor=st.floats(1, 1e3), jitter=jitters),
    _between_base_and_cap(Polynomial, power=st.floats(0.1, 20), jitter=jitters),
    _between_base_and_cap(Fibonacci, jitter=jitters),
    st.builds(Schedule, delays=st.lists(delays, min_size=1, max_size=5), jitter=jitters, first=firsts),
    _between_base_and_cap(DecorrelatedJitter, cap_first=st.booleans()),
    _between_base_and_cap(PollyV2),
    st.sampled_from(
        [
            Optimal(durations="uniform(5s, 15s)", call_cost=0.5),
            Optimal(durations="mixture(weights=[7, 3], parts=[fixed(0s), exponential(60s)])", calls=3.0),
            Learned.from_durations([5.0, 6.0, 7.5, 10.0, 11.0], call_cost=1.0),
            Learned(job_kind="never seen", mean_lag=1.0, fallback=Exponential(jitter=Full())),
        ]
    ),
)


def _combined(inner: Generator) -> Generator:
    """Generate combinators around other strategies."""
    return st.one_of(
        st.builds(
            lambda strategy, ends: Clamp(strategy=strategy, low=ends[0], high=ends[1]),
            inner,
            st.tuples(delays, delays).map(sorted),
        ),
        st.builds(Scale, strategy=inner, factor=st.floats(0.01, 100)),
        st.builds(Then, start=inner, polls=st.integers(1, 10), rest=inner),
        st.builds(Then, start=inner, seconds=st.floats(0.01, 20), rest=inner),
        st.builds(
            lambda fallback, ends: FollowProgress(fallback=fallback, floor=ends[0], cap=ends[1]),
            inner,
            st.tuples(delays, delays).map(sorted),
        ),
    )


shipped: Generator = simple | st.recursive(simple, _combined, max_leaves=3)

observations = st.none() | st.builds(
    Observation, status=st.just("pending"), progress=st.none() | st.floats(), hint=st.none() | st.floats()
)
situations = st.builds(
    Situation,
    polls=st.integers(0, 100) | st.integers(0, 10**6),
    elapsed=st.floats(0, 1e9),
    previous_delay=st.floats(0, 1e9),
    observation=observations,
)

limits = st.builds(
    Limits,
    max_attempts=st.none() | st.integers(1, 50),
    timeout=st.none() | st.floats(0.001, 1e5),
    max_failures=st.none() | st.integers(1, 10),
)
