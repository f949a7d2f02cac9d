"""Hypothesis generators of how long jobs take."""

from hypothesis import strategies as st

from bide.lab.distributions import Exponential, Fixed, Gamma, Lognormal, Uniform, Weibull
from bide.lab.mixed import Durations, Mixture, Samples

scales = st.floats(0.5, 200)
samples: st.SearchStrategy[Samples] = st.builds(
    Samples, st.lists(st.integers(1, 80).map(lambda n: n / 4), min_size=1, max_size=8)
)
simple: st.SearchStrategy[Durations] = st.one_of(
    st.builds(Fixed, scales),
    st.builds(lambda low, width: Uniform(low, low + width), st.floats(0, 50), scales),
    st.builds(Exponential, scales),
    st.builds(Lognormal, scales, st.floats(0.05, 1.5)),
    st.builds(Weibull, st.floats(0.5, 5), scales),
    st.builds(Gamma, st.floats(0.3, 20), st.floats(0.1, 20)),
    samples,
)
durations: st.SearchStrategy[Durations] = simple | st.lists(
    st.tuples(st.floats(0.1, 1), simple), min_size=2, max_size=3
).map(lambda parts: Mixture([weight for weight, _ in parts], [part for _, part in parts]))
