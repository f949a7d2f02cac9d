"""What is asked over HTTP, what an answer is, and what its code means."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cached_property
from http import HTTPStatus
from typing import Any

from attrs import field, frozen

from bide.errors import JobNotFound, RequestError, RequestRefused, shown
from bide.http.expressions import compiled
from bide.http.hints import hint_in
from bide.http.redaction import hidden, secrets_in
from bide.http.urls import public

TRANSIENT = frozenset({408, 425, 429})
"""The codes below 500 that time may mend."""

_QUOTED = 200
"""Characters of a body that a message may show, at most."""

_LOOKED_THROUGH = 2**16
"""Bytes of a body in which secrets are hidden before it is cut: no server takes a longer header."""


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
        because: the request whose answer led to this one, if one did.
    """

    method: str
    url: str = field(repr=public)
    headers: Mapping[str, str] = field(factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)
    elsewhere: bool = False
    because: Ask | None = None

    def __str__(self) -> str:
        """Return method and URL, fit to be shown."""
        return self.hidden(f"{self.method} {public(self.url)}")

    @cached_property
    def secrets(self) -> frozenset[str]:
        """What must not be shown where it is told of, whoever quotes it."""
        own = secrets_in(self.url, self.headers)
        return own if self.because is None else own | self.because.secrets

    def hidden(self, text: str) -> str:
        """Return a text without the secrets of the request, and of those that led to it."""
        return hidden(text, self.secrets)


@frozen
class Answer:
    """
    An answer, read to its end.

    Args:
        asked: the request.
        status: the status code.
        headers: names in any case.
        body: as it came, without its transfer and content codings.
    """

    asked: Ask
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
            raise self.unusable(f"no JSON: {error}, in {self.quoted()}") from error

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
            why = f"{type(error).__name__}: {self.shown(str(error))}"
            told = self.unusable(f"something over which {shown(expression)} fails: {why}")
            raise told from None  # it may quote what the answer holds

    def shown(self, value: object) -> str:
        """Return a value that it holds as a message may show it: short, and without secrets."""
        return shown(value, self.asked.hidden)

    def quoted(self) -> str:
        """Return the beginning of the body as a message may show it."""
        said = self.asked.hidden(self.body[:_LOOKED_THROUGH].decode("utf-8", "replace"))
        return shown(said[:_QUOTED])

    def says(self, what: str) -> str:
        """Return the sentence that tells what was answered."""
        return self.asked.hidden(f"{self.asked} answered {what}")

    def unusable(self, what: str) -> RequestError:
        """Return the error for an answer that says nothing of a job, with what it holds instead."""
        return RequestError(self.says(what), hint=self.hint, status=self.status)


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
    if answer.status in (404, 410):
        return JobNotFound(answer.says(what), hint=answer.hint, status=answer.status)
    if answer.status < 400:
        place = answer.shown(public(answer.header("location") or ""))
        return RequestRefused(answer.says(f"{what}, which leads to {place}"), status=answer.status)
    said = f"{what}: {answer.quoted()}" if answer.body else what
    return RequestRefused(answer.says(said), hint=answer.hint, status=answer.status)


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
        raise answer.unusable(f"JSON that is no job: {answer.shown(job)}")
    return job


def _phrase(code: int) -> str:
    try:
        return HTTPStatus(code).phrase
    except ValueError:
        return ""


def _is_text(value: object) -> bool:
    """Say whether a value is text that can be written down: JSON can escape what no encoding has."""
    return isinstance(value, str) and value == value.encode("utf-8", "replace").decode()
