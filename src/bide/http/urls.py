"""URLs: checked when they come in, and without secrets when they are shown."""

from __future__ import annotations

import ipaddress
import re

import httpx

from bide.errors import ConfigError, shown

_LOGIN = re.compile(r"(^|//)[^/\s]*@")


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


def is_loopback(host: str) -> bool:
    """Say whether a host is this machine itself."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _masked(pair: str) -> str:
    name, equals, _ = pair.partition("=")
    if not pair:
        return ""
    return f"{name}=…" if equals else "…"
