"""URLs: checked when they come in, and without secrets when they are shown."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

import httpx

from bide.errors import ConfigError, shown

_LOGIN = re.compile(r"(^|//)[^/\s]*@")

_PORTS = {"http": 80, "https": 443}


def checked_url(text: object) -> httpx.URL:
    """
    Return the URL of a server.

    Raises:
        ConfigError: it is none.
    """
    try:
        url = httpx.URL(text)  # type: ignore[arg-type]
        url.host.encode("idna")  # what the resolver would choke on
    except (httpx.InvalidURL, TypeError, UnicodeError) as error:
        raise ConfigError(
            f"the server's URL cannot be read: {error}, got {shown(public(str(text)))}"
        ) from error
    if url.scheme not in ("http", "https") or not url.host:
        rule = "must begin with http:// or https:// and a host"
        raise ConfigError(f"the server's URL {rule}, got {shown(public(url))}")
    if url.port is not None and not 0 < url.port < 65536:
        raise ConfigError(f"the server's URL must have a port from 1 to 65535, got {shown(public(url))}")
    return url.copy_with(query=None, fragment=None)


def public(url: httpx.URL | str) -> str:
    """
    Return a URL for people: without a password, nor the values of its query, which may be signatures.

    It need not be one that can be read, nor stand alone in its text.
    """
    place, mark, query = str(url).partition("#")[0].partition("?")
    return _LOGIN.sub(r"\1", place) + mark + "&".join(map(_masked, query.split("&")))


def is_home(url: str, home: str) -> bool:
    """
    Say whether what is meant for one URL may go to another: of the same origin, or a step up to TLS.

    Args:
        url: where it would go.
        home: what it is meant for.

    Source: RFC 6454, section 4 (origin); for the step up, what requests and httpx do with credentials.
    """
    there, here = _origin(url), _origin(home)
    return there == here or (there == ("https", here[1], 443) and here == ("http", here[1], 80))


def is_loopback(host: str) -> bool:
    """Say whether a host is this machine itself."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, _PORTS.get(parts.scheme) if parts.port is None else parts.port


def _masked(pair: str) -> str:
    name, equals, _ = pair.partition("=")
    if not pair:
        return ""
    return f"{name}=…" if equals else "…"
