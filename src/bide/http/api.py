"""What can be asked of bide's own job server, request by request, without doing it."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterable, Mapping
from typing import Any, Self
from urllib.parse import quote

from attrs import frozen

from bide.errors import ConfigError, shown
from bide.http.answers import Ask, job_in
from bide.http.conversation import Exchange
from bide.http.hints import left_of
from bide.http.job import HttpJob
from bide.http.urls import checked_url
from bide.strategy import Observation

_KEY = re.compile(r"[ -~]{1,255}")


class JobId(str):
    """
    The id of a job, as text, with what the server said when it created the job.

    `hint` has the seconds after which it asked to be looked at first, if it did.
    """

    __slots__ = ("_told_at", "hint")
    hint: float | None

    def __new__(cls, text: str, hint: float | None = None) -> Self:
        """Take the text, and the hint as of now."""
        made = super().__new__(cls, text)
        made.hint = hint
        made._told_at = time.monotonic()
        return made

    _told_at: float

    def hint_left(self) -> float | None:
        """Return what is left of the hint, in seconds."""
        return left_of(self.hint, told_at=self._told_at)


@frozen
class JobApi:
    """
    The API of a bide server.

    Args:
        jobs_url: of its jobs, such as ``http://127.0.0.1:8080/v1/jobs``.
    """

    jobs_url: str

    @classmethod
    def at(cls, base_url: object) -> Self:
        """
        Return the API of the server at a URL.

        Raises:
            ConfigError: it is no URL of a server.
        """
        return cls(f"{str(checked_url(base_url)).rstrip('/')}/v1/jobs")

    def url_of(self, job_id: object) -> str:
        """
        Return the URL at which the server tells of a job.

        Raises:
            ConfigError: the id is no text, empty, or a step in a path.
        """
        if not isinstance(job_id, str) or job_id in ("", ".", ".."):
            raise ConfigError(f"a job's id must be text, and none of '', '.' and '..', got {shown(job_id)}")
        return f"{self.jobs_url}/{quote(job_id, safe='')}"

    def job(self, job_id: str, key: str = "") -> HttpJob:
        """
        Return a job of the server, with what it has in common with some others of its kind.

        Raises:
            ConfigError: as `url_of`, or the key is no text.
        """
        hint = job_id.hint_left() if isinstance(job_id, JobId) else None
        return HttpJob(self.url_of(job_id), job_id=job_id, hint=hint, key=key)

    def jobs(self, job_ids: Iterable[str], key: str = "") -> list[HttpJob]:
        """
        Return jobs of the server, with what they have in common with some others of their kind.

        Raises:
            ConfigError: as `job`; or there is one id where there should be several.
        """
        if isinstance(job_ids, str):
            raise ConfigError(f"job_ids: must be several ids, got the text {shown(job_ids)}")
        return [self.job(job_id, key) for job_id in job_ids]

    def creating(self, work: Mapping[str, Any] | None, idempotency_key: str | None = None) -> Exchange[JobId]:
        """
        Create a job.

        Raises:
            ConfigError: the work is nothing that JSON can hold, or the key nothing that a header can.
            RequestError: the server answered no job; one may exist all the same.
            RequestRefused: the server does not take this job.
        """
        headers = {"content-type": "application/json", **_keyed(idempotency_key)}
        answer = yield Ask("POST", self.jobs_url, headers, _body_of(work))
        return JobId(job_in(answer)["id"], answer.hint)

    def cancelling(self, job_id: str) -> Exchange[Observation]:
        """
        Cancel a job; one that has ended stays as it is.

        Raises:
            JobNotFound: there is no such job.
            RequestRefused: the server does not cancel it.
            RequestError: the server answered no job; the job may be cancelled all the same.
        """
        job = self.job(job_id)
        answer = yield Ask("DELETE", job.url)
        return job.mapping.observation(answer, job.job_id)


def _keyed(key: object) -> dict[str, str]:
    """Source: draft-ietf-httpapi-idempotency-key-header-07, with the text of RFC 9651, section 3.3.3."""
    if key is None:
        return {}
    if not isinstance(key, str) or not _KEY.fullmatch(key):
        raise ConfigError(
            f"idempotency_key: must be 1 to 255 characters of printable ASCII, got {shown(key)}"
        )
    return {"idempotency-key": '"' + re.sub(r'(["\\])', r"\\\1", key) + '"'}


def _body_of(work: Mapping[str, Any] | None) -> bytes:
    if work is not None and not isinstance(work, Mapping):
        raise ConfigError(f"work must be a mapping, got {shown(work)}")
    body = {} if work is None else {"input": dict(work)}
    try:
        return json.dumps(body, allow_nan=False, separators=(",", ":")).encode()
    except (ValueError, TypeError, RecursionError) as error:
        raise ConfigError(f"work must be what JSON can hold: {error}, got {shown(work)}") from error
