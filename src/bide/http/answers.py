"""What an HTTP answer is, what its code means, and the JSON in it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from attrs import Factory, frozen

from bide.errors import JobNotFound, RequestError, RequestRefused, shown
from bide.http.hints import hint_in
from bide.strategy import Observation

TRANSIENT = frozenset({408, 425, 429})
"""The statuses below 500 that time may mend."""

_QUOTED_BYTES = 200


@frozen
class Ask:
    """
    A request to be made.

    Args:
        method: such as ``GET``.
        url: of what is asked for.
        headers: beside those that the client sends anyway.
        body: what is sent, if anything.
        elsewhere: it leads to another origin than the job's, where no secret of the caller's may go.
    """

    method: str
    url: str
    headers: Mapping[str, str] = Factory(dict)
    body: bytes | None = None
    elsewhere: bool = False


@frozen
class Answer:
    """
    An answer, read to its end.

    Args:
        asked: method and URL of the request, fit to be shown.
        status: the status code.
        headers: names in any case.
        body: as it came, without its transfer and content codings.
    """

    asked: str
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def hint(self) -> float | None:
        """Seconds that the headers ask to be left alone for, if they do."""
        return hint_in(self.headers, status=self.status)

    def header(self, name: str) -> str | None:
        """Return the text of a header, whatever the case of its name; None without it, or if it is empty."""
        wanted = name.lower()
        return next((text for name, text in self.headers.items() if name.lower() == wanted and text), None)


def is_success(status: int) -> bool:
    """Say whether a status code is one of success."""
    return 200 <= status < 300


def is_transient(status: int) -> bool:
    """Say whether time may mend what a status code complains of."""
    return status >= 500 or status in TRANSIENT


def error_of(answer: Answer, *, transient: bool) -> RequestError:
    """
    Return the error that an answer's code stands for.

    Args:
        answer: whose code is none of success.
        transient: time may mend it, so another request is worth its while.
    """
    message = f"{answer.asked} answered {answer.status} {_phrase(answer.status)}".rstrip()
    if transient:
        return RequestError(message, hint=answer.hint)
    if answer.status in (404, 410):
        return JobNotFound(message)
    if answer.status < 400:
        return RequestRefused(f"{message}, which leads to {shown(answer.header('location'))}")
    return RequestRefused(f"{message}: {quoted(answer)}" if answer.body else message)


def document_in(answer: Answer) -> Any:
    """
    Return the JSON in an answer.

    Raises:
        RequestError: there is none, or none that can be read.
    """
    try:
        return json.loads(answer.body)
    except (ValueError, RecursionError) as error:
        raise RequestError(f"{answer.asked} answered no JSON: {error}, in {quoted(answer)}") from error


def quoted(answer: Answer) -> str:
    """Return the beginning of a body as a message may show it."""
    return shown(answer.body[:_QUOTED_BYTES].decode("utf-8", "replace"))


def job_in(answer: Answer) -> dict[str, Any]:
    """
    Return the job of bide's own server that an answer holds, as the server wrote it.

    Raises:
        JobNotFound: 404 or 410.
        RequestRefused: a redirect, or another 4xx that time does not mend.
        RequestError: 408, 425, 429, 5xx, or a body that is no job.
    """
    if not is_success(answer.status):
        raise error_of(answer, transient=is_transient(answer.status))
    job = document_in(answer)
    if not isinstance(job, dict) or not _is_text(job.get("id")):
        raise RequestError(f"{answer.asked} answered JSON that is no job: {shown(job)}")
    return job


def observation_in(answer: Answer, job_id: str) -> Observation:
    """
    Return what an answer of bide's own server says of a job.

    Raises:
        RequestError: or one of its kinds, as `job_in` does; also for another job, or a status nobody knows.
    """
    from bide.http.catalogue import find_mapping
    from bide.http.shape import UnknownShape

    try:
        return find_mapping("bide").observation(answer, job_id)
    except UnknownShape as error:
        raise RequestError(str(error)) from error


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def _is_text(value: object) -> bool:
    """Say whether a value is text that can be written down: JSON can escape what no encoding has."""
    return isinstance(value, str) and value == value.encode("utf-8", "replace").decode()
