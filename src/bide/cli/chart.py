"""Charts as pictures, by Altair."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from bide.describe import PollDescription
from bide.errors import ConfigError

# From the palette of Okabe and Ito, which colour-blind readers can tell apart.
_BLUE, _ORANGE = "#0072B2", "#D55E00"


def save_png(file: str, title: str, polls: Sequence[PollDescription]) -> None:
    """
    Draw the delays before the first polls, from the least to the greatest, with the middle marked.

    Raises:
        ConfigError: the file cannot be written.
        ImportError: Altair is not installed.
    """
    try:
        import altair as alt
        import vl_convert  # noqa: F401 - what turns the chart into a picture
    except ImportError as error:
        raise ImportError(f"--png needs {error.name}: install bide with its extra 'lab'") from error
    base = alt.Chart(alt.InlineData([attrs.asdict(poll) for poll in polls])).encode(
        x=alt.X("number:O", title="poll", axis=alt.Axis(labelAngle=0))
    )
    bars = base.mark_bar(color=_BLUE, opacity=0.35, minBandSize=2).encode(
        y=alt.Y("least:Q", title="delay before it, in seconds"), y2="most:Q"
    )
    middle = base.mark_tick(color=_ORANGE, thickness=3).encode(y="delay:Q")
    chart = (bars + middle).properties(
        width=640,
        height=320,
        title={"text": title, "subtitle": "bar: from the least to the greatest; line: the median draw"},
    )
    try:
        chart.save(file, format="png", scale_factor=2)
    except OSError as error:
        raise ConfigError(f"{file}: cannot be written: {error.strerror}") from error
