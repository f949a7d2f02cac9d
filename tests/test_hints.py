"""When an answer asks to be asked again: every header in use, and any text in one."""

from __future__ import annotations

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bide.durations import MAX_SECONDS
from bide.http.hints import hint_in

NOON = "Sun, 22 Nov 2026 12:00:00 GMT"
NOON_EPOCH = 1795348800.0

HEADERS = (
    "Retry-After",
    "Date",
    "retry-after-ms",
    "x-ms-retry-after-ms",
    "openai-poll-after-ms",
    "Poll-Interval",
    "X-Poll-Interval",
    "RateLimit",
    "RateLimit-Remaining",
    "RateLimit-Reset",
    "X-RateLimit-Remaining",
    "X-RateLimit-Reset",
)

# What each header says, from the page that the module names for it.
SAID = [
    ({}, None),
    ({"Retry-After": "120"}, 120),
    ({"retry-after": " 0 "}, 0),
    ({"RETRY-AFTER": "1.5"}, 1.5),
    ({"Retry-After": "99999999999"}, MAX_SECONDS),
    ({"Retry-After": "9" * 5000}, MAX_SECONDS),
    ({"Retry-After": "Sun, 22 Nov 2026 12:01:30 GMT", "Date": NOON}, 90),
    ({"Retry-After": "Sunday, 22-Nov-26 12:01:30 GMT", "Date": NOON}, 90),
    ({"Retry-After": "Sun Nov 22 12:01:30 2026", "Date": NOON}, 90),
    ({"Retry-After": "Sun, 22 Nov 2026 11:00:00 GMT", "Date": NOON}, 0),
    ({"Retry-After": "Fri, 31 Dec 9999 23:59:59 GMT", "Date": NOON}, MAX_SECONDS),
    ({"Retry-After": "Sun, 22 Nov 2026 12:00:07 GMT"}, 7),  # by the caller's clock: noon
    ({"Retry-After": "Sun, 22 Nov 2026 12:00:07 GMT", "Date": "banana"}, 7),
    ({"retry-after-ms": "250"}, 0.25),
    ({"x-ms-retry-after-ms": "100"}, 0.1),
    ({"openai-poll-after-ms": "2500"}, 2.5),
    ({"Poll-Interval": "3000"}, 3),
    ({"Poll-Interval": "-1"}, None),
    ({"X-Poll-Interval": "60"}, 60),
    ({"RateLimit-Remaining": "0", "RateLimit-Reset": "50"}, 50),
    ({"RateLimit-Remaining": "1", "RateLimit-Reset": "50"}, None),
    ({"RateLimit-Reset": "50"}, None),
    ({"RateLimit-Remaining": "0", "RateLimit-Reset": "1795348830", "Date": NOON}, 30),
    ({"RateLimit-Remaining": "0", "RateLimit-Reset": "1795348770", "Date": NOON}, 0),
    ({"RateLimit-Remaining": "0", "RateLimit-Reset": "1795348830000", "Date": NOON}, 30),
    ({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1795348830", "Date": NOON}, 30),
    ({"X-RateLimit-Remaining": "5", "X-RateLimit-Reset": "1795348830", "Date": NOON}, None),
    ({"RateLimit": '"default";r=0;t=30'}, 30),
    ({"RateLimit": '"default";r=1;t=30'}, None),
    ({"RateLimit": '"burst";r=0;t=5, "day" ;r=00; t=90, "week";r=7;t=999'}, 90),
    ({"RateLimit": '"odd;r=0;t=7,b";r=3;t=9'}, None),
    ({"RateLimit": '"odd,\\";r=0;t=7";r=0;t=9'}, 9),
    ({"RateLimit": '"default";r=0'}, None),
]

UNREADABLE = [
    "",
    "banana",
    "-5",
    "1e400",
    "1e3",
    "inf",
    "nan",
    "0x10",
    "٣",
    "²",
    "5 s",
    "5, 5",
    "1_000",
    "Fri, 31 Dec 99999 23:59:59 GMT",
    "Sun, 99 Nov 2026 12:00:00 GMT",
    "Sun, ٢٢ Nov 2026 12:00:07 GMT",
    "\udcff",
    "." * 5000,
]


@pytest.mark.parametrize(("headers", "seconds"), SAID)
def test_each_header_says_what_its_source_says(headers: dict[str, str], seconds: float | None) -> None:
    """Seconds or milliseconds, as numbers, dates or epochs; a quota only when nothing of it remains."""
    assert hint_in(headers, now=NOON_EPOCH) == seconds


@pytest.mark.parametrize("text", UNREADABLE)
@pytest.mark.parametrize("name", [name for name in HEADERS if name != "Date"])
def test_what_cannot_be_read_says_nothing(name: str, text: str) -> None:
    """Neither an exception, nor zero seconds, which would be a request to come back at once."""
    assert hint_in({name: text}, status=429, now=NOON_EPOCH) is None


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "1", "retry-after-ms": "400"}, 0.4),
        ({"Retry-After": "1", "x-ms-retry-after-ms": "400"}, 0.4),
        ({"Retry-After": "1", "retry-after-ms": "banana"}, 1),
        ({"Retry-After": "banana", "openai-poll-after-ms": "400"}, 0.4),
        ({"Retry-After": "9", "openai-poll-after-ms": "400"}, 9),
        ({"Retry-After": "9", "RateLimit-Remaining": "0", "RateLimit-Reset": "50"}, 9),
        ({"Retry-After": "0", "RateLimit": '"a";r=0;t=50'}, 0),
        ({"RateLimit": '"a";r=0;t=50', "RateLimit-Remaining": "0", "RateLimit-Reset": "20"}, 50),
    ],
)
def test_the_finer_unit_and_the_resource_come_first(headers: dict[str, str], seconds: float) -> None:
    """Milliseconds before seconds, what can be read before what cannot, and the longest quota last."""
    assert hint_in(headers) == seconds


def test_a_429_needs_no_remaining_count() -> None:
    """That answer says by itself that nothing remains."""
    assert hint_in({"RateLimit-Reset": "50"}, status=429) == 50
    assert hint_in({"RateLimit": '"a";r=3;t=20'}, status=429) == 20


def test_the_headers_of_a_client_are_read_as_they_come() -> None:
    """Bytes that are no ASCII arrive as some text, which says nothing."""
    assert hint_in(httpx.Headers([(b"Retry-After", b"3")])) == 3
    assert hint_in(httpx.Headers([(b"retry-after", "٣".encode())])) is None


texts = st.text() | st.sampled_from([*UNREADABLE, "3", "-1", "1.5", NOON]) | st.integers().map(str)
quotas = st.lists(
    st.builds('"{}";r={};t={}'.format, st.text('ab,;"\\', max_size=3), texts, texts), max_size=3
).map(", ".join)


@given(
    headers=st.dictionaries(st.sampled_from(HEADERS), texts | quotas),
    status=st.sampled_from([200, 202, 429, 503]),
    now=st.none() | st.floats(0, 1e12),
)
def test_any_text_is_no_hint_or_one_within_bounds(
    headers: dict[str, str], status: int, now: float | None
) -> None:
    """Whatever stands in whichever header: None, or seconds from 0 to the longest duration."""
    hint = hint_in(headers, status=status, now=now)
    assert hint is None or 0 <= hint <= MAX_SECONDS


def test_quotes_that_never_close_take_no_time() -> None:
    """A field that would be looked through again from each of its quotes is too long to be a hint."""
    assert hint_in({"ratelimit": '\\"' * 30_000}, status=429) is None
    assert hint_in({"ratelimit": '"a\\"b";r=0;t=7'}) == 7.0
