"""
What an answer of anybody's job API means: which of its fields is the status, and what each value says.

A mapping is data: JMESPath expressions over the body, and values for each status. It makes no requests.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any

from attrs import Attribute, field, frozen
from attrs.validators import optional

from bide.durations import MAX_SECONDS
from bide.errors import ConfigError, Problem, RequestError, printable, shown
from bide.http.answers import Answer, error_of, is_success, is_transient
from bide.http.codes import check_code, is_among, spellings
from bide.http.expressions import check_expression
from bide.http.headers import as_headers, can_be_filled_in
from bide.http.places import check_place, is_header, url_in
from bide.http.shape import unknown_shape
from bide.http.texts import EachText
from bide.http.values import folded, instant_of, is_there, number_of, progress_of, seconds_of, text_of
from bide.rules import Number, OneOf
from bide.strategy import Observation, Status

_STATUSES: dict[str, Status] = {
    "pending": "pending",
    "completed": "completed",
    "failed": "error",
    "cancelled": "cancelled",
}
"""What the values mean that a field lists."""

_BY_CODE = re.compile(r"http (.*)", re.IGNORECASE | re.DOTALL)
_WHOLE = Number(above=0)
_LONGEST_SAID = 80
"""In characters: a status is a word or two."""


def _check_value(text: str) -> None:
    by_code = _BY_CODE.fullmatch(folded(text))
    if by_code:
        check_code(by_code[1])


def _tuple(texts: str | Iterable[str]) -> tuple[str, ...]:
    return (texts,) if isinstance(texts, str) else tuple(texts)


def _is_whole(instance: object, attribute: Attribute[Any], value: object) -> None:
    """Hold a field to a number > 0, or an expression for one."""
    (_EXPRESSION if isinstance(value, str) else _WHOLE)(instance, attribute, value)


_EXPRESSION = EachText(check_expression)
_VALUES = EachText(_check_value)
_PLACES = EachText(check_place)
_CODES = EachText(check_code)


@frozen(kw_only=True)
class JobMapping:
    """
    What the answers of one job API mean.

    Expressions are JMESPath over the body. Values are compared as text, whatever their case; a truth is
    ``true`` or ``false``. A value such as ``HTTP 202``, or ``HTTP 2xx``, stands for the code of the answer,
    which goes before its body.

    Args:
        description: of the API, in one line.
        documentation: the page that describes it.
        status: expression for where the job stands; none if the code of the answer says it.
        pending: values of a job that runs; without any of the body, every value that is not listed elsewhere.
        completed: values of a job that ended well; at least one.
        failed: values of a job that ended badly.
        cancelled: values of a job that was cancelled.
        progress: expression for how much of the work is done.
        progress_done: the progress of a job that is done: a number > 0, such as 100 for a percentage, or an
            expression for it, such as ``counts.total``.
        detail: expression for what is kept of a pending job's answer, as the `result` of its observation.
        result: expression for what a completed job produced.
        error: expression for what a job says that failed or was cancelled.
        created_at: expression for when the job was created, written as `completed_at` is.
        completed_at: expression for when the job ended: ISO 8601, or seconds or milliseconds since the epoch.
        hint: expression for the seconds until it is worth looking again; a hint in the headers goes first.
        job_id: expression for the job that the answer is about, which must be the one asked for.
        result_url: where a completed job has its result: headers such as ``Location:``, or expressions; the
            first that is there.
        next_url: where to look next, in the same way.
        transient: codes, or classes such as ``5xx``, that time may mend, beside 408, 425, 429 and 5xx.
        fatal: codes, or classes, that time does not mend, beside 3xx and other 4xx.
        read: codes of errors whose body is read as a job all the same, if it is one.
        cancel: ``DELETE`` if that, at the job's URL, cancels a job; none if it does something else.
        headers: that requests to this API need; ``$NAME`` is a variable of the environment, and ``$$`` a
            dollar. They are never shown.
    """

    description: str = ""
    documentation: str = ""
    status: str | None = field(default=None, validator=_EXPRESSION)
    pending: tuple[str, ...] = field(default=(), converter=_tuple, validator=_VALUES)
    completed: tuple[str, ...] = field(converter=_tuple, validator=EachText(_check_value, least=1))
    failed: tuple[str, ...] = field(default=(), converter=_tuple, validator=_VALUES)
    cancelled: tuple[str, ...] = field(default=(), converter=_tuple, validator=_VALUES)
    progress: str | None = field(default=None, validator=_EXPRESSION)
    progress_done: float | str = field(default=1.0, validator=_is_whole)
    detail: str | None = field(default=None, validator=_EXPRESSION)
    result: str | None = field(default=None, validator=_EXPRESSION)
    error: str | None = field(default=None, validator=_EXPRESSION)
    created_at: str | None = field(default=None, validator=_EXPRESSION)
    completed_at: str | None = field(default=None, validator=_EXPRESSION)
    hint: str | None = field(default=None, validator=_EXPRESSION)
    job_id: str | None = field(default=None, validator=_EXPRESSION)
    result_url: tuple[str, ...] = field(default=(), converter=_tuple, validator=_PLACES)
    next_url: tuple[str, ...] = field(default=(), converter=_tuple, validator=_PLACES)
    transient: tuple[str, ...] = field(default=(), converter=_tuple, validator=_CODES)
    fatal: tuple[str, ...] = field(default=(), converter=_tuple, validator=_CODES)
    read: tuple[str, ...] = field(default=(), converter=_tuple, validator=_CODES)
    cancel: str | None = field(default=None, validator=optional(OneOf("DELETE")))
    headers: Mapping[str, str] = field(
        factory=dict, converter=as_headers, validator=can_be_filled_in, repr=False, hash=False
    )

    def __attrs_post_init__(self) -> None:
        """Refuse what contradicts itself."""
        _refuse_twice(self, _STATUSES)
        _refuse_twice(self, ("transient", "fatal"))
        in_body = [value for value in self._meanings if not _BY_CODE.fullmatch(value)]
        if in_body and self.status is None:
            rule = f"is needed to find the value {shown(in_body[0])}; a code is written 'HTTP 200'"
            raise ConfigError(Problem(rule, ("status",)))

    def observation(self, answer: Answer, job_id: str | None = None) -> Observation:
        """
        Return what an answer says of a job.

        Args:
            answer: read to its end.
            job_id: the job asked for, if the answer should name it.

        Raises:
            JobNotFound: 404 or 410, unless the mapping says otherwise.
            bide.http.shape.UnknownShape: JSON without the status; a RequestRefused.
            RequestRefused: another code that time does not mend.
            RequestError: a code that time may mend, or a body that is no job, another job, or nonsense.
        """
        status, said = self._status(answer)
        if job_id is not None and self.job_id is not None and not answer.is_empty:
            self._check_job(answer, job_id)
        kept = {"pending": self.detail, "completed": self.result}.get(status, self.error)
        hint = answer.hint
        return Observation(
            status=status,
            progress=self._progress(answer),
            hint=seconds_of(answer.find(self.hint), MAX_SECONDS) if hint is None else hint,
            completed_at=instant_of(answer.find(self.completed_at)) if status != "pending" else None,
            result=answer.find(kept),
            created_at=instant_of(answer.find(self.created_at)),
            said=None if folded(said) == status else self._worded(said, answer),
        )

    def result_url_in(self, answer: Answer) -> str | None:
        """
        Return where a completed job has its result, as the answer writes it; None if it does not.

        Raises:
            RequestError: what the answer has there is no URL.
        """
        return url_in(answer, self.result_url)

    def next_url_in(self, answer: Answer) -> str | None:
        """
        Return where to look next, as the answer writes it; None if it does not.

        Raises:
            RequestError: what the answer has there is no URL.
        """
        return url_in(answer, self.next_url)

    def fields_in(self, answer: Answer) -> int:
        """Return how many of its fields the mapping finds in a body; 0 without a status that it lists."""
        ends = (self.result, self.error, self.completed_at)
        places = (place for place in (*self.result_url, *self.next_url) if not is_header(place))
        try:
            if (text_of(answer.find(self.status)) or "") not in self._values:
                return 0
            expressions = (self.status, self.job_id, self.progress, self.hint, *ends, *places)
            found = (answer.find(expression) for expression in expressions)
            return sum(is_there(one) and one is not answer.document for one in found)
        except RequestError:  # an expression cannot be evaluated over this body
            return 0

    def by_code(self, code: int) -> Status | None:
        """Return the status that the code of an answer stands for by itself; None if it does not."""
        listed = [f"http {spelling}" for spelling in spellings(code)]
        return next((self._meanings[text] for text in listed if text in self._meanings), None)

    def lists(self, said: str) -> bool:
        """Say whether a value of the status, or the class of a code, is in one of the lists."""
        value = folded(said)
        return not self._meanings.keys().isdisjoint((value, f"{value[:-2]}xx"))

    def _worded(self, said: str, answer: Answer) -> str:
        """Return a value of the status, fit to be shown: one that is listed is no secret."""
        return printable(said if self.lists(said) else answer.asked.hidden(said), _LONGEST_SAID)

    def _status(self, answer: Answer) -> tuple[Status, str]:
        """Return where a job stands, and the value that says so."""
        by_code = self.by_code(answer.status)
        if by_code is not None:
            return by_code, f"HTTP {answer.status}"
        if is_success(answer.status):
            return self._status_in(answer)
        if is_among(answer.status, self.read):
            try:
                return self._status_in(answer)
            except RequestError:  # so it is no job's error, but the server's
                pass
        raise error_of(answer, transient=self._is_transient(answer))

    def _status_in(self, answer: Answer) -> tuple[Status, str]:
        if self.status is not None and answer.is_empty:
            raise answer.unusable("nothing")
        found = f"HTTP {answer.status}" if self.status is None else answer.find(self.status)
        if found is None:
            raise unknown_shape(answer)
        said = text_of(found)
        status = None if said is None else self._meanings.get(folded(said))
        if said is None or (status is None and self._knows_all):
            raise answer.unusable(f"the status {answer.shown(found)}; known: {', '.join(self._values)}")
        return status or "pending", said

    @property
    def _knows_all(self) -> bool:
        """Whether values that are not listed are none of the API's: some that mean pending are."""
        by_code = self.status is None
        return any(bool(_BY_CODE.fullmatch(folded(value))) == by_code for value in self.pending)

    @property
    def _values(self) -> tuple[str, ...]:
        return (*self.pending, *self.completed, *self.failed, *self.cancelled)

    @cached_property
    def _meanings(self) -> dict[str, Status]:
        return {folded(text): status for name, status in _STATUSES.items() for text in getattr(self, name)}

    def _check_job(self, answer: Answer, job_id: str) -> None:
        named = answer.find(self.job_id)
        if text_of(named) != job_id:
            raise answer.unusable(f"another job, {answer.shown(named)}")

    def _progress(self, answer: Answer) -> float | None:
        whole = self.progress_done
        done = number_of(answer.find(whole)) if isinstance(whole, str) else whole
        return None if not done or done < 0 else progress_of(answer.find(self.progress), done)

    def _is_transient(self, answer: Answer) -> bool:
        """Say whether time may mend a code: as it is listed, or else its class, or else as usual."""
        listed = dict.fromkeys(map(str.lower, self.fatal), False)
        listed |= dict.fromkeys(map(str.lower, self.transient), True)
        said = (listed[spelling] for spelling in spellings(answer.status) if spelling in listed)
        return next(said, is_transient(answer))


def _refuse_twice(mapping: JobMapping, names: Iterable[str]) -> None:
    """Refuse a text that two fields list."""
    owners: dict[str, str] = {}
    for name in names:
        for text in getattr(mapping, name):
            owner = owners.setdefault(folded(text), name)
            if owner != name:
                raise ConfigError(Problem(f"lists {shown(text)}, as {owner!r} does", (name,)))
