"""Bodies that come compressed, opened within a size."""

from __future__ import annotations

import zlib

_FRAMES = {"gzip": [31], "x-gzip": [31], "deflate": [15, -15]}
"""The frames that each coding may have, as zlib numbers them; some servers leave that of deflate out."""


def decoded(body: bytes, coding: str, most: int) -> bytes:
    """
    Return a body without its content coding.

    Args:
        body: as it came, whole.
        coding: what ``Content-Encoding`` says, if anything.
        most: the bytes that may come out; what holds more is never opened further.

    Raises:
        ValueError: it is another coding than gzip or deflate, or the body does not keep to it or to the size.

    Source: RFC 9110, section 8.4.1.
    """
    coding = coding.strip().lower()
    if coding in ("", "identity") or not body:
        return body
    if coding not in _FRAMES:
        raise ValueError(f"the answer is coded as {coding}, which was not asked for")
    failure: zlib.error | None = None
    for frame in _FRAMES[coding]:
        try:
            return _opened(body, coding, most, frame)
        except zlib.error as error:
            failure = error
    raise ValueError(f"the answer is not in {coding}: {failure}") from failure


def _opened(body: bytes, coding: str, most: int, frame: int) -> bytes:
    unpacking = zlib.decompressobj(frame)
    opened = unpacking.decompress(body, most + 1)
    if len(opened) > most:
        raise ValueError(f"the answer is longer than {most} bytes when its {coding} is opened")
    if not unpacking.eof or unpacking.unused_data:
        raise ValueError(f"the answer's {coding} does not end where the answer does")
    return opened
