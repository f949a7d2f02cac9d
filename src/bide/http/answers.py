"""What an HTTP answer says of a job, or why it says nothing."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Any, get_args

import httpx

from bide.errors import JobNotFound, RequestError, RequestRefused
from bide.http.hints import retry_after
from bide.strategy import Observation, Status

TRANSIENT = frozenset({408, 425, 429})
"""The statuses below 500 that time may mend."""


def job_in(response: httpx.Response) -> dict[str, Any]:
    """
    Return the job that an answer holds, as the server wrote it.

    Raises:
        JobNotFound: 404 or 410.
        RequestRefused: a redirect, or another 4xx that time does not mend.
        RequestError: 408, 425, 429, 5xx, or a body that is no job.
    """
    _check_status(response)
    try:
        job = response.json()
    except (ValueError, RecursionError) as error:
        raise RequestError(f"{_asked(response)} answered no JSON: {error}") from error
    if not isinstance(job, dict) or not isinstance(job.get("id"), str):
        raise RequestError(f"{_asked(response)} answered JSON that is no job: {_excerpt(response.text)}")
    return job


def observation_in(response: httpx.Response) -> Observation:
    """
    Return what an answer says of a job.

    Raises:
        RequestError: or one of its kinds, as `job_in` does; also for a status that nobody knows.
    """
    job = job_in(response)
    if job.get("status") not in get_args(Status):
        known = ", ".join(get_args(Status))
        raise RequestError(f"{_asked(response)} answered the status {job.get('status')!r}; known: {known}")
    return Observation(
        status=job["status"],
        progress=_progress(job.get("progress")),
        hint=retry_after(response.headers),
        completed_at=_epoch(job.get("completed_at")),
        result=job.get("error") if job["status"] == "error" else job.get("result"),
    )


def shown(url: httpx.URL) -> str:
    """Return a URL for people: without a password."""
    return str(url.copy_with(userinfo=b"")) if url.userinfo else str(url)


def _check_status(response: httpx.Response) -> None:
    if response.is_success:
        return
    message = f"{_asked(response)} answered {response.status_code} {response.reason_phrase}".rstrip()
    hint = retry_after(response.headers)
    if response.status_code >= 500 or response.status_code in TRANSIENT:
        raise RequestError(message, hint=hint)
    if response.status_code in (404, 410):
        raise JobNotFound(message)
    if response.has_redirect_location:
        message += f", which leads to {response.headers['location']}"
    raise RequestRefused(f"{message}: {_excerpt(response.text)}" if response.text else message)


def _asked(response: httpx.Response) -> str:
    return f"{response.request.method} {shown(response.request.url)}"


def _excerpt(text: str) -> str:
    return repr(text if len(text) <= 200 else f"{text[:200]}…")


def _progress(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        return None
    return min(max(float(value), 0.0), 1.0)


def _epoch(value: object) -> float | None:
    try:
        return datetime.fromisoformat(value).timestamp() if isinstance(value, str) else None
    except (ValueError, OverflowError):
        return None
