"""A job behind a URL, of whoever's API."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self
from urllib.parse import urljoin

from attrs import field, frozen

from bide.errors import ConfigError, RequestError, shown
from bide.http.catalogue import find_mapping
from bide.http.hints import hint_in, left_of
from bide.http.mapping import JobMapping
from bide.http.urls import checked_url, public
from bide.rules import Text

PLACES = ("operation-location", "azure-asyncoperation", "location", "content-location")
"""The headers in which a creating response says where the job is, the likeliest first."""

# RFC 9110, sections 5.6.2 and 5.5, but for what is no ASCII, which httpx does not send.
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"(?:[!-~]+(?:[ \t]+[!-~]+)*)?")

_NO_HEADERS: Mapping[str, str] = MappingProxyType({})


def _as_mapping(mapping: JobMapping | str | Path) -> JobMapping:
    return mapping if isinstance(mapping, JobMapping) else find_mapping(mapping)


def _as_url(url: object) -> str:
    checked_url(url)
    return str(url).partition("#")[0]


def _as_headers(headers: object) -> Mapping[str, str]:
    if not isinstance(headers, Mapping):
        raise ConfigError(f"headers: must be a mapping of names to texts, got {type(headers).__name__}")
    for name, value in headers.items():
        if not isinstance(name, str) or not isinstance(value, str):
            raise ConfigError(f"headers: names and values must be text, got {shown(name)}")
        if not _NAME.fullmatch(name):
            raise ConfigError(f"headers: must be the name of a header, got {shown(name)}")
        if not _VALUE.fullmatch(value):  # which is not repeated: it may be secret
            rule = "must be visible ASCII characters, with spaces only between them"
            raise ConfigError(f"headers: the value of {name} {rule}")
    return {name.lower(): value for name, value in headers.items()} or _NO_HEADERS


@frozen(eq=False, weakref_slot=False)
class HttpJob:
    """
    A job behind a URL, of whoever's API.

    Args:
        url: at which its API tells of it.
        mapping: what the answers mean: a `JobMapping`, the name of one in the catalogue, or a TOML file.
        headers: sent with every request to the URL's origin, and to no other; they are never shown.
        job_id: the job's id, if the answers should name it.
        hint: seconds from now to the first look that the creating response asked for, if it did.
        key: what the job has in common with some others of its kind, for a strategy that learns.

    Raises:
        ConfigError: the URL, the mapping or a header is none, or the key no text.
    """

    url: str = field(converter=_as_url, repr=public)
    mapping: JobMapping = field(converter=_as_mapping, factory=lambda: find_mapping("bide"))
    headers: Mapping[str, str] = field(converter=_as_headers, default=_NO_HEADERS, repr=False, kw_only=True)
    job_id: str | None = field(default=None, kw_only=True)
    hint: float | None = field(default=None, kw_only=True)
    _told_at: float = field(factory=time.monotonic, init=False, repr=False)
    key: str = field(default="", validator=Text(empty=True), kw_only=True)

    @classmethod
    def created(
        cls, response: Any, mapping: JobMapping | str | Path, *, headers: Mapping[str, str] | None = None
    ) -> Self:
        """
        Return the job that a response says has been created: its place, and the hint for the first look.

        Args:
            response: of httpx, or what has its ``url``, ``headers`` and ``status_code``.
            mapping: what the answers mean.
            headers: sent with every request to the job's origin.

        Raises:
            RequestError: the response is an error, whatever it says of a place.
            ConfigError: no header of the response says where the job is.
        """
        asked, status = public(str(response.url)), response.status_code
        if status >= HTTPStatus.BAD_REQUEST:
            raise RequestError(f"{asked} created no job, but answered {status}", status=status)
        found = (response.headers.get(name) for name in PLACES)
        place = next((text for text in found if text), None)
        if place is None:
            raise ConfigError(f"the response of {asked} says in none of {', '.join(PLACES)} where its job is")
        hint = hint_in(response.headers, status=status)
        return cls(urljoin(str(response.url), place), mapping, headers=headers or {}, hint=hint)

    def hint_left(self) -> float | None:
        """Return what is left of the hint, in seconds."""
        return left_of(self.hint, told_at=self._told_at)
