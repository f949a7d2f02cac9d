"""What is asked over HTTP, what an answer is, and what its code means."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cached_property
from http import HTTPStatus
from typing import Any

from attrs import Factory, frozen

from bide.errors import JobNotFound, RequestError, RequestRefused, shown
from bide.http.expressions import compiled
from bide.http.hints import hint_in
from bide.http.redaction import public_url
from bide.strategy import Observation

TRANSIENT = frozenset({408, 425, 429})
"""The codes below 500 that time may mend."""

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
        """The seconds that the headers ask to be left alone for, if they do."""
        return hint_in(self.headers, status=self.status)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing in the body."""
        return not self.body.strip()

    def header(self, name: str) -> str | None:
        """Return the text of a header, whatever the case of its name; None without it, or if it is empty."""
        wanted = name.lower()
        return next((text for name, text in self.headers.items() if name.lower() == wanted and text), None)

    @cached_property
    def document(self) -> Any:
        """
        The JSON in the body.

        Raises:
            RequestError: there is none, or none that can be read.
        """
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError) as error:
            raise self.unusable(f"no JSON: {error}, in {quoted(self)}") from error

    def find(self, expression: str | None) -> Any:
        """
        Return what a JMESPath expression finds in the body; None if nothing, or if either is missing.

        Raises:
            RequestError: the body is no JSON, or the expression cannot be evaluated over it.
        """
        if expression is None or self.is_empty:
            return None
        document = self.document
        try:
            return compiled(expression).search(document)
        except Exception as error:  # a foreign library over anybody's data
            why = f"{type(error).__name__}: {shown(str(error))}"
            raise self.unusable(f"something over which {shown(expression)} fails: {why}") from error

    def unusable(self, what: str) -> RequestError:
        """Return the error for an answer that says nothing of a job, with what it holds instead."""
        return RequestError(f"{self.asked} answered {what}", hint=self.hint)


def is_success(code: int) -> bool:
    """Say whether a code is one of success."""
    return 200 <= code < 300


def is_transient(answer: Answer) -> bool:
    """Say whether time may mend what the code of an answer complains of, unless somebody knows better."""
    code = answer.status
    # Some APIs answer a client that asks too often with 403; only then do they say when to come back.
    return code >= 500 or code in TRANSIENT or (code == 403 and answer.hint is not None)


def error_of(answer: Answer, *, transient: bool) -> RequestError:
    """
    Return the error that the code of an answer is.

    Args:
        answer: with a code that is none of success.
        transient: time may mend it.
    """
    what = f"{answer.status} {_phrase(answer.status)}".rstrip()
    if transient:
        return answer.unusable(what)
    message = f"{answer.asked} answered {what}"
    if answer.status in (404, 410):
        return JobNotFound(message)
    if answer.status < 400:
        return RequestRefused(
            f"{message}, which leads to {shown(public_url(answer.header('location') or ''))}"
        )
    return RequestRefused(f"{message}: {quoted(answer)}" if answer.body else message)


def quoted(answer: Answer) -> str:
    """Return the beginning of a body as a message may show it."""
    return shown(answer.body[:_QUOTED_BYTES].decode("utf-8", "replace"))


def job_in(answer: Answer) -> dict[str, Any]:
    """
    Return the job that an answer of bide's own server holds, as the server wrote it.

    Raises:
        JobNotFound: 404 or 410.
        RequestRefused: a redirect, or another 4xx that time does not mend.
        RequestError: 408, 425, 429, 5xx, or a body that is no job.
    """
    if not is_success(answer.status):
        raise error_of(answer, transient=is_transient(answer))
    job = answer.document
    if not isinstance(job, dict) or not _is_text(job.get("id")):
        raise answer.unusable(f"JSON that is no job: {shown(job)}")
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
    except UnknownShape as error:  # this server's shape is known: an answer without it is none of its own
        raise answer.unusable(f"JSON that is no job: {shown(answer.document)}") from error


def _phrase(code: int) -> str:
    try:
        return HTTPStatus(code).phrase
    except ValueError:
        return ""


def _is_text(value: object) -> bool:
    """Say whether a value is text that can be written down: JSON can escape what no encoding has."""
    return isinstance(value, str) and value == value.encode("utf-8", "replace").decode()
