"""Requests of many shapes, drawn from seeds: what a server may find on its sockets."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

_TARGETS = """
    /v1/jobs /v1/jobs/x /v1/jobs?id=x&id=y /v1/jobs?limit=3&cursor=AAAAAAAAAAQ /status/x / /healthz /v1/stats
    /metrics /openapi.json
"""
_ODD_TARGETS = """
    * // /// http://[ http://a:b/ /%00 /%ff /v1/jobs/%ed%a0%80 /v1/jobs/.. /v1/jobs/%2e%2e/%2e%2e /v1//jobs
    /v1/jobs?limit=1e9&limit= /v1/jobs?id=%00&id=&id /v1/jobs?cursor=%ff ?id=1 http://a@b:99999/v1/jobs a:b
"""
_METHODS = "GET HEAD POST DELETE OPTIONS PUT TRACE CONNECT PROPFIND BREW get G\u00c9T X-Y"
_READ = """
    Prefer If-None-Match Idempotency-Key Content-Type Bide-Strategy Bide-Fault Authorization Origin Accept
    Cookie Range Expect
"""
_HOSTS = ("", "a:abc", "[::1", "a b", "a/b", "a,b", "\xff", "a:99999999", "@", "a\x7f", "'\"<>")
_SCRAPS = (
    'W/"',
    '"',
    "wait=",
    "pending-0",
    "9" * 40,
    ",",
    ";",
    "*",
    "\\",
    "=",
    "\xff",
    "\t",
    "application/json",
)
_PIECES = (b"\0", b"\r", b"\n", b"\r\n", b"\r\n\r\n", b" ", b":", b"\xff", b"\xed\xa0\x80", b"%", b"HTTP/1.1")


def message(
    method: str = "GET",
    target: str = "/v1/jobs/x",
    *lines: str,
    body: bytes | None = None,
    version: str = " HTTP/1.1",
    host: str = "a",
) -> bytes:
    """Return a request that closes its connection."""
    head = [f"{method} {target}{version}", f"Host: {host}", "Connection: close", *lines]
    if body is not None:
        head += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*head, "", ""]).encode("latin-1") + (body or b"")


def chunked(*lines: str, body: bytes) -> bytes:
    """Return a request for a job whose body claims to be chunks."""
    return message("POST", "/v1/jobs", "Transfer-Encoding: chunked", *lines) + body


def word(lot: Random, words: str) -> str:
    """Return one of several words."""
    return lot.choice(words.split())


def _valid(lot: Random) -> bytes:
    if lot.random() < 0.3:
        return message("POST", "/v1/jobs", body=b'{"input": {"duration": "1s"}}')
    return message(lot.choice(("GET", "HEAD", "DELETE")), word(lot, _TARGETS))


def _nested(lot: Random) -> bytes:
    depth = lot.choice((10, 900, 5_000, 30_000))
    opening, closing = lot.choice(((b"[", b"]"), (b'{"input":', b"}")))
    whole = opening * depth + b"1" + closing * depth * lot.randrange(2)
    return message("POST", "/v1/jobs", body=whole[:60_000])


def _surrogate(lot: Random) -> bytes:
    text = lot.choice((r"\ud800", r"\udfff\ud800", "\xed\xa0\x80")).encode("latin-1")
    body = lot.choice((b'{"%s": 1}', b'{"kind": "%s"}', b'{"input": {"outcome": "%s"}}')) % text
    return message("POST", "/v1/jobs", body=body)


def _bad_host(lot: Random) -> bytes:
    return message(target=word(lot, _TARGETS), host=lot.choice(_HOSTS))


def _version(lot: Random) -> bytes:
    return message(
        version=lot.choice(("", " HTTP/0.9", " HTTP/1.0", " HTTP/2.0", " HTTP/11", " http/1.1", " "))
    )


def _chunks(lot: Random) -> bytes:
    sizes = ("2", "-1", "0x2", "2;a=b", "fffffffffffffffff", "", "2 ", "\0", "z")
    chunks = [lot.choice(sizes) + "\r\n{}" + lot.choice(("", "\r\n", "\n")) for _ in range(lot.randint(1, 3))]
    return chunked(body=("".join(chunks) + lot.choice(("0\r\n\r\n", "0\r\nX: y\r\n\r\n", "\r\n"))).encode())


def _huge(lot: Random) -> bytes:
    size = lot.choice((4_000, 60_000, 120_000, 140_000))
    lines = [f"X: {'x' * size}"] if lot.randrange(2) else [f"X-{n}: y" for n in range(size // 12)]
    return message("GET", lot.choice(("/", f"/v1/jobs/{'x' * lot.choice((1, size))}")), *lines)


def _length(lot: Random) -> bytes:
    text = lot.choice(
        ("-1", "1e9", "99999999999999999999", "9" * 5_000, "0x10", "+1", "1,1", "", "\u00b2", "5")
    )
    return message("POST", "/v1/jobs", f"Content-Length: {text}") + b"{}"


def _twice(lot: Random) -> bytes:
    name = lot.choice(("Host", "Content-Length", "Transfer-Encoding", "Content-Type", *_READ.split()))
    return message(
        "POST", "/v1/jobs", *(f"{name}: {lot.choice(('0', '2', 'chunked', 'a'))}" for _ in range(2))
    )


def _null(lot: Random) -> bytes:
    return _with(lot, _valid(lot), b"\0")


def _pipelined(lot: Random) -> bytes:
    many = [_valid(lot).replace(b"Connection: close", b"X: y") for _ in range(lot.randint(1, 20))]
    return b"".join(many) + lot.choice((_valid, _changed, _chunks))(lot)


def _half(lot: Random) -> bytes:
    whole = lot.choice((_valid, _nested, _chunks))(lot)
    return whole[: lot.randrange(1, len(whole))]


def _smuggled(lot: Random) -> bytes:
    inner = message(lot.choice(("GET", "DELETE")), "/v1/jobs/smuggled")
    coding = lot.choice(
        ("chunked", " chunked", "chunked, identity", "xchunked", "chunked\x0b", "Chunked", ",chunked")
    )
    length = f"Content-Length: {lot.choice((0, 4, 5, len(inner)))}"
    lines = [length, f"Transfer-Encoding: {coding}"]
    lot.shuffle(lines)
    version = lot.choice((" HTTP/1.1", " HTTP/1.0"))
    return message("POST", "/v1/jobs", *lines, version=version) + b"0\r\n\r\n" + inner


def _odd_line(lot: Random) -> bytes:
    return message(word(lot, _METHODS), word(lot, _TARGETS + _ODD_TARGETS))


def _odd_header(lot: Random) -> bytes:
    lines = [
        f"{name}: {''.join(lot.choices(_SCRAPS, k=lot.randint(0, 6)))}"
        for name in lot.choices(_READ.split(), k=3)
    ]
    if lot.randrange(2):
        return message("GET", word(lot, _TARGETS), *lines)
    return message("POST", lot.choice(("/", "/v1/jobs")), *lines, body=b"{}")


def _with(lot: Random, data: bytes, piece: bytes) -> bytes:
    at = lot.randrange(len(data))
    return data[:at] + piece + data[at + lot.randrange(3) :]


def _changed(lot: Random) -> bytes:
    data = lot.choice((_valid, _chunks, _odd_header, _smuggled))(lot)
    for _ in range(lot.randint(1, 6)):
        data = _with(lot, data, lot.choice((*_PIECES, lot.randbytes(1), data[-40:])))
    return data


def _noise(lot: Random) -> bytes:
    return lot.randbytes(lot.randint(1, 2_000)) + lot.choice((b"", b"\r\n\r\n"))


SHAPES: dict[str, Callable[[Random], bytes]] = {
    "valid": _valid,
    "deep nesting": _nested,
    "surrogates": _surrogate,
    "bad Host": _bad_host,
    "other versions": _version,
    "broken chunks": _chunks,
    "huge headers": _huge,
    "absurd lengths": _length,
    "headers twice": _twice,
    "NULs": _null,
    "pipelined": _pipelined,
    "cut off": _half,
    "smuggling": _smuggled,
    "odd request lines": _odd_line,
    "odd headers": _odd_header,
    "changed bytes": _changed,
    "noise": _noise,
}


def request_of(shape: str, seed: str) -> bytes:
    """Return the request of a shape that a seed draws."""
    return SHAPES[shape](Random(seed))
