"""What an HTTP answer says of a job, or why it says nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Any, get_args

from attrs import Factory, frozen

from bide.errors import JobNotFound, RequestError, RequestRefused, shown
from bide.http.hints import retry_after
from bide.rules import Number
from bide.strategy import Observation, Status

TRANSIENT = frozenset({408, 425, 429})
"""The statuses below 500 that time may mend."""

_NUMBER = Number()


@frozen
class Ask:
    """
    A request to be made.

    Args:
        method: such as ``GET``.
        url: of what is asked for.
        headers: beside those that the client sends anyway.
        body: what is sent, if anything.
    """

    method: str
    url: str
    headers: Mapping[str, str] = Factory(dict)
    body: bytes | None = None


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


def job_in(answer: Answer) -> dict[str, Any]:
    """
    Return the job that an answer holds, as the server wrote it.

    Raises:
        JobNotFound: 404 or 410.
        RequestRefused: a redirect, or another 4xx that time does not mend.
        RequestError: 408, 425, 429, 5xx, or a body that is no job.
    """
    _check_status(answer)
    try:
        job = json.loads(answer.body)
    except (ValueError, RecursionError) as error:
        raise RequestError(f"{answer.asked} answered no JSON: {error}") from error
    if not isinstance(job, dict) or not _is_text(job.get("id")):
        raise RequestError(f"{answer.asked} answered JSON that is no job: {shown(job)}")
    return job


def observation_in(answer: Answer, job_id: str) -> Observation:
    """
    Return what an answer says of a job.

    Raises:
        RequestError: or one of its kinds, as `job_in` does; also for another job, or a status nobody knows.
    """
    job = job_in(answer)
    if job["id"] != job_id:
        raise RequestError(f"{answer.asked} answered another job, {shown(job['id'])}")
    if job.get("status") not in get_args(Status):
        known = ", ".join(get_args(Status))
        raise RequestError(f"{answer.asked} answered the status {shown(job.get('status'))}; known: {known}")
    return Observation(
        status=job["status"],
        progress=_progress(job.get("progress")),
        hint=retry_after(answer.headers),
        completed_at=_epoch(job.get("completed_at")),
        result=job.get("error") if job["status"] == "error" else job.get("result"),
    )


def _check_status(answer: Answer) -> None:
    if 200 <= answer.status < 300:
        return
    message = f"{answer.asked} answered {answer.status} {_phrase(answer.status)}".rstrip()
    hint = retry_after(answer.headers)
    if answer.status >= 500 or answer.status in TRANSIENT:
        raise RequestError(message, hint=hint)
    if answer.status in (404, 410):
        raise JobNotFound(message)
    if answer.status < 400:
        raise RequestRefused(f"{message}, which leads to {shown(answer.headers.get('location'))}")
    said = shown(answer.body.decode("utf-8", "replace"))
    raise RequestRefused(f"{message}: {said}" if answer.body else message)


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def _is_text(value: object) -> bool:
    """Say whether a value is text that can be written down: JSON can escape what no encoding has."""
    return isinstance(value, str) and value == value.encode("utf-8", "replace").decode()


def _progress(value: object) -> float | None:
    if value is None or not _NUMBER.holds(value):
        return None
    return min(max(float(value), 0.0), 1.0)  # type: ignore[arg-type]


def _epoch(value: object) -> float | None:
    try:
        return datetime.fromisoformat(value).timestamp() if isinstance(value, str) else None
    except (ValueError, OverflowError):
        return None
