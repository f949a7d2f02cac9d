"""
What one wait asks of its job's API, look by look, without doing it.

A look is a generator: it yields what is to be asked, is sent the answer, and returns the observation. So the
sync and the async client share every decision, and only differ in how they ask.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Generator
from typing import Any, TypeVar
from urllib.parse import urljoin

import attrs
from attrs import define, field

from bide.errors import RequestError
from bide.http.answers import Answer, Ask, error_of, is_success, is_transient
from bide.http.exchange import StaleConnection
from bide.http.job import HttpJob
from bide.http.redaction import cleaned
from bide.http.shape import UnknownShape
from bide.http.urls import checked_url, is_home, public
from bide.strategy import Observation

T = TypeVar("T")
Exchange = Generator[Ask, Answer, T]
"""Requests one after the other, each made of the answers before it."""

MOST_HOPS = 5
"""How many redirects one look follows."""

_UNHELD = frozenset({400, 408, 504})
"""What a server or a gateway says that cannot hold an answer for as long."""

_LONGEST_ETAG = 1000
"""In characters: servers refuse headers of some thousands."""

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_FOR_GOOD = frozenset({301, 308})


@define(weakref_slot=False)
class Conversation:
    """
    What one wait remembers of its job's answers.

    Args:
        job: whose.
        clock: gives the time in seconds; only differences count.

    `holds` is whether answers may be asked to be held: nobody on the way has refused that.
    """

    job: HttpJob
    clock: Callable[[], float] = time.monotonic
    holds: bool = field(default=True, init=False)
    _url: str = field(init=False)
    _etag: str | None = field(default=None, init=False)
    _seen: Observation | None = field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        self._url = self.job.url

    def look(self, hold: int = 0) -> Exchange[Observation]:
        """
        Look at the job once.

        Args:
            hold: seconds for which the server may hold its answer back, until the job ends; 0 for none.

        Raises:
            RequestError: the look failed, and another may succeed; or a kind of it that ends the wait.
        """
        asked_at = self.clock()
        first = yield from self._answered(self._ask(self._url, self._conditions(hold)))
        answer = yield from self._followed(first, hold)
        held = self.clock() - asked_at if hold and _was_held(answer) else 0.0
        try:
            observation = self._observed(answer, hold)
        except RequestError as error:
            if answer is first or not is_success(answer.status):
                raise
            raise _led_to_no_job(first, error) from error
        self._remember(answer, observation)
        if observation.status == "completed":
            return (yield from self._with_result(answer, observation))
        if observation.status != "pending":
            return attrs.evolve(observation, result=_without_secrets(observation.result, answer))
        return attrs.evolve(observation, held=held) if held else observation

    def _conditions(self, hold: int) -> dict[str, str]:
        """Return the headers that make an answer cheaper, where the server knows how."""
        known = {} if self._etag is None else {"if-none-match": self._etag}
        return known | _prefer(hold)

    def _ask(self, url: str, headers: dict[str, str] | None = None, because: Ask | None = None) -> Ask:
        """Return a request that takes the caller's headers to the job's own origin only."""
        job = self.job
        if because is None and url != job.url:  # where an earlier answer led
            because = Ask("GET", job.url, job.headers)
        if not is_home(url, job.url):
            return Ask("GET", url, headers or {}, elsewhere=True, because=because)
        return Ask("GET", url, {**job.headers, **(headers or {})}, because=because)

    def asks_again(self, failure: RequestError) -> bool:
        """
        Take that a look needs another request; say whether it may make it.

        Args:
            failure: what has become of the one before.
        """
        return True

    def _answered(self, ask: Ask) -> Exchange[Answer]:
        """Ask; and once more at once over another connection, if one that was kept gave nothing."""
        try:
            return (yield ask)
        except StaleConnection as error:
            if not self.asks_again(error):
                raise
        return (yield ask)

    def _followed(self, answer: Answer, hold: int) -> Exchange[Answer]:
        """Follow redirects, unless the mapping knows what such an answer means."""
        for _ in range(MOST_HOPS):
            if answer.status not in _REDIRECTS or self.job.mapping.by_code(answer.status) is not None:
                return answer
            url = answer.asked.url
            there = _joined(answer, url, answer.header("location"))
            if answer.status in _FOR_GOOD and url == self._url:
                self._url = there
            led = answer.unusable(f"{answer.status}, which leads to {public(there)}")
            if not self.asks_again(led):
                raise led
            wish = _prefer(hold)
            answer = yield from self._answered(self._ask(there, wish, because=answer.asked))
        raise answer.unusable(f"{answer.status}: the job was not found after {MOST_HOPS} redirects")

    def _observed(self, answer: Answer, hold: int) -> Observation:
        if answer.status == 304 and self._seen is not None:
            return attrs.evolve(self._seen, hint=answer.hint)
        try:
            return self.job.mapping.observation(answer, self.job.job_id)
        except RequestError as error:
            if hold and answer.status in _UNHELD:
                self.holds = False
                raise RequestError(str(error), hint=error.hint, status=error.status) from error
            if not isinstance(error, UnknownShape) or (self._seen is None and self.job.job_id is None):
                raise
            # We know the shape, so this is no answer of that API.
            raise RequestError(str(error), status=error.status) from error

    def _remember(self, answer: Answer, observation: Observation) -> None:
        place = self.job.mapping.next_url_in(answer) if observation.status == "pending" else None
        if place is not None:
            url = _joined(answer, answer.asked.url, place)
            if url != self._url:
                self._url, self._etag, self._seen = url, None, None
                return
        if answer.status != 304:
            # The validator of where a redirect led is none of where the next look begins.
            etag = answer.header("etag") if answer.asked.url == self._url else None
            self._etag, self._seen = _sendable(etag), observation

    def _with_result(self, answer: Answer, observation: Observation) -> Exchange[Observation]:
        """
        Fetch the result of a completed job, if it lies elsewhere.

        It is the JSON there, or the URL, if there is something else, too much, or nothing to be had: what the
        job has done is not lost because its result cannot be read here.
        """
        place = self.job.mapping.result_url_in(answer)
        if place is None:
            return observation
        url = _joined(answer, answer.asked.url, place)
        try:
            found = yield from self._fetched(url, answer.asked)
            result: Any = json.loads(found.body) if is_success(found.status) else url
        except (RequestError, ValueError, RecursionError):
            result = url
        return attrs.evolve(observation, result=result)

    def _fetched(self, url: str, because: Ask) -> Exchange[Answer]:
        """Ask for a result, wherever redirects lead: these requests are no looks, and no calls."""
        answer = yield from self._answered(self._ask(url, because=because))
        for _ in range(MOST_HOPS):
            if answer.status not in _REDIRECTS:
                break
            there = _joined(answer, answer.asked.url, answer.header("location"))
            answer = yield from self._answered(self._ask(there, because=answer.asked))
        return answer


def _led_to_no_job(first: Answer, error: RequestError) -> RequestError:
    """Return the error of a redirect to what is no job: it may be the result of one that is done."""
    code = f"HTTP {first.status}"
    led = first.says(f"{first.status}, which leads to what is no job")
    if isinstance(error, UnknownShape):
        how = f"If that is the result:\n  --completed '{code}' --result-url Location:"
        return UnknownShape(f"{led}: {error}", report=f"{led}. {how}\n{error.report}", status=error.status)
    told = f"{led}, or is its result, if a mapping says that {code} is completed: {error}"
    return RequestError(told, hint=error.hint, status=error.status)


def cancelling(job: HttpJob) -> Exchange[None]:
    """
    Ask the server to cancel a job, with DELETE.

    Raises:
        RequestError: it does not say that it did; a `RequestRefused` or `JobNotFound` says that it did not.
    """
    answer = yield Ask("DELETE", job.url, job.headers)
    if not is_success(answer.status):
        raise error_of(answer, transient=is_transient(answer))


def _sendable(etag: str | None) -> str | None:
    """Return a validator, unless it is one that would make the next request fail."""
    fit = etag is not None and len(etag) <= _LONGEST_ETAG and etag.isascii() and etag.isprintable()
    return etag if fit else None


def _prefer(hold: int) -> dict[str, str]:
    return {"prefer": f"wait={hold}"} if hold else {}


def _was_held(answer: Answer) -> bool:
    """Source: RFC 7240, sections 3 (Preference-Applied) and 4.3 (wait)."""
    applied = answer.header("preference-applied") or ""
    return any(part.strip().lower().startswith("wait") for part in applied.split(","))


def _without_secrets(said: Any, answer: Answer) -> Any:
    """Return what a job says of its failure, without the secrets that it may quote."""
    try:
        return cleaned(said, answer.asked.hidden)
    except RecursionError:
        return None


def _joined(answer: Answer, base: str, place: str | None) -> str:
    """
    Return the absolute URL of a place that an answer names.

    Raises:
        RequestError: it names none that can be asked.
    """
    if not place:
        raise answer.unusable(f"{answer.status} without saying where to look")
    try:
        url = urljoin(base, place)
        checked_url(url)
    except ValueError:  # whose text has quoted the place, and cut it
        where = answer.shown(public(place))
        raise answer.unusable(
            f"{answer.status} with a way to {where}, which nobody can be asked at"
        ) from None
    return url
