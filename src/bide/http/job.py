"""A job behind a URL, of whoever's API."""

from __future__ import annotations

import time
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self
from urllib.parse import urljoin

from attrs import field, frozen

from bide.errors import ConfigError, RequestError
from bide.http.catalogue import find_mapping
from bide.http.headers import as_headers, filled_in
from bide.http.hints import hint_in, left_of
from bide.http.mapping import JobMapping
from bide.http.urls import checked_url, public
from bide.rules import Text

PLACES = ("operation-location", "azure-asyncoperation", "location", "content-location")
"""The headers in which a creating response says where the job is, the likeliest first."""

_NO_HEADERS: Mapping[str, str] = MappingProxyType({})


def _as_mapping(mapping: JobMapping | str | Path) -> JobMapping:
    return mapping if isinstance(mapping, JobMapping) else find_mapping(mapping)


def _as_url(url: object) -> str:
    checked_url(url)
    return str(url).partition("#")[0]


def _as_headers(headers: object) -> Mapping[str, str]:
    return as_headers(headers) or _NO_HEADERS


def _of_mapping(name: str, value: str) -> str:
    try:
        return filled_in(value)
    except ConfigError as error:
        raise error.inside("mapping", "headers", name) from None


@frozen(eq=False, weakref_slot=False)
class HttpJob:
    """
    A job behind a URL, of whoever's API.

    Args:
        url: at which its API tells of it.
        mapping: what the answers mean: a `JobMapping`, the name of one in the catalogue, or a TOML file.
        headers: sent with every request to the URL's origin, and to no other; they are never shown. The
            mapping's stand beside them, with variables of the environment filled in.
        job_id: the job's id, if the answers should name it.
        hint: seconds from now to the first look that the creating response asked for, if it did.
        key: what the job has in common with some others of its kind, for a strategy that learns.

    Raises:
        ConfigError: the URL, the mapping or a header is none, a variable that the mapping's headers name is
            not set, or the key is no text.
    """

    url: str = field(converter=_as_url, repr=public)
    mapping: JobMapping = field(converter=_as_mapping, factory=lambda: find_mapping("bide"))
    headers: Mapping[str, str] = field(converter=_as_headers, default=_NO_HEADERS, repr=False, kw_only=True)
    job_id: str | None = field(default=None, kw_only=True)
    hint: float | None = field(default=None, kw_only=True)
    _told_at: float = field(factory=time.monotonic, init=False, repr=False)
    key: str = field(default="", validator=Text(empty=True), kw_only=True)

    def __attrs_post_init__(self) -> None:
        """Take the headers of the mapping that the job does not have itself."""
        of_api = {name: value for name, value in self.mapping.headers.items() if name not in self.headers}
        if of_api:
            filled = {name: _of_mapping(name, value) for name, value in of_api.items()}
            object.__setattr__(self, "headers", _as_headers({**filled, **self.headers}))

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
