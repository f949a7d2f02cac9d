"""
What an answer of anybody's job API means: which of its fields is the status, and what each value says.

A mapping is data: JMESPath expressions over the body, and values for each status. It makes no requests.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

import attrs
from attrs import Attribute, field, frozen

from bide.convert import is_list, structure
from bide.durations import MAX_SECONDS
from bide.errors import ConfigError, Problem, RequestError, shown
from bide.http.answers import Answer, document_in, error_of, is_success, is_transient
from bide.http.codes import check_code, is_among, spellings
from bide.http.expressions import check_expression, evaluate
from bide.http.shape import unknown_shape
from bide.http.values import instant_of, progress_of, seconds_of, text_of
from bide.inline import parse_scalar
from bide.rules import Number
from bide.strategy import Observation, Status

_STATUSES: dict[str, Status] = {
    "pending": "pending",
    "completed": "completed",
    "failed": "error",
    "cancelled": "cancelled",
}
"""Of each field that lists values, what they mean."""

_CODE = re.compile(r"http\s+(.*)", re.IGNORECASE | re.DOTALL)
_HEADER = re.compile(r"([A-Za-z0-9-]+):")


@frozen
class _Each:
    """
    The field holds text, or several texts, and each passes a check.

    Args:
        check: raises a ConfigError.
    """

    check: Callable[[str], None]

    def __call__(self, instance: object, attribute: Attribute[Any], value: Any) -> None:
        """Raise a ConfigError that names the attribute, unless the value keeps the rule."""
        for text in (value,) if isinstance(value, str) else value or ():
            try:
                self._check(text)
            except ConfigError as error:
                raise error.inside(attribute.name) from error

    def _check(self, text: object) -> None:
        if not isinstance(text, str):
            raise ConfigError(f"must be text, got {shown(text)}")
        self.check(text)


def _check_value(text: str) -> None:
    by_code = _CODE.fullmatch(text.strip())
    if by_code:
        check_code(by_code[1])


def _check_place(text: str) -> None:
    if not _HEADER.fullmatch(text):
        check_expression(text)


def _expression() -> Any:
    return field(default=None, validator=_Each(check_expression))


def _texts(check: Callable[[str], None]) -> Any:
    return field(default=(), converter=_tuple, validator=_Each(check))


def _tuple(texts: str | Iterable[str]) -> tuple[str, ...]:
    return (texts,) if isinstance(texts, str) else tuple(texts)


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
        pending: values of a job that runs; if empty, every value that is not listed elsewhere.
        completed: values of a job that ended well; at least one.
        failed: values of a job that ended badly.
        cancelled: values of a job that was cancelled.
        progress: expression for how much of the work is done.
        progress_done: the progress of a job that is done, such as 100 for a percentage; > 0.
        result: expression for what a completed job produced.
        error: expression for what a job says that failed or was cancelled.
        completed_at: expression for when the job ended: ISO 8601, or seconds or milliseconds since the epoch.
        hint: expression for the seconds until it is worth looking again; a hint in the headers goes first.
        job_id: expression for the job that the answer is about, which must be the one asked for.
        result_url: where a completed job has its result: headers such as ``Location:``, or expressions; the
            first that is there.
        next_url: where to look next, in the same way.
        transient: codes, or classes such as ``5xx``, that time may mend, beside 408, 425, 429 and 5xx.
        fatal: codes, or classes, that time does not mend, beside 3xx and other 4xx.
        read: codes of errors whose body is read as a job all the same, if it is one.
    """

    description: str = ""
    documentation: str = ""
    status: str | None = _expression()
    pending: tuple[str, ...] = _texts(_check_value)
    completed: tuple[str, ...] = _texts(_check_value)
    failed: tuple[str, ...] = _texts(_check_value)
    cancelled: tuple[str, ...] = _texts(_check_value)
    progress: str | None = _expression()
    progress_done: float = field(default=1.0, validator=Number(above=0))
    result: str | None = _expression()
    error: str | None = _expression()
    completed_at: str | None = _expression()
    hint: str | None = _expression()
    job_id: str | None = _expression()
    result_url: tuple[str, ...] = _texts(_check_place)
    next_url: tuple[str, ...] = _texts(_check_place)
    transient: tuple[str, ...] = _texts(check_code)
    fatal: tuple[str, ...] = _texts(check_code)
    read: tuple[str, ...] = _texts(check_code)

    def __attrs_post_init__(self) -> None:
        """Refuse what contradicts itself, or could never end."""
        if not self.completed:
            raise ConfigError(Problem("must name at least one value", ("completed",)))
        _refuse_twice(self, *_STATUSES)
        _refuse_twice(self, "transient", "fatal")
        in_body = [value for value in self._meanings if not _CODE.fullmatch(value)]
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
        status, document = self._read(answer)
        if job_id is not None:
            self._check_job(answer, document, job_id)
        ended, hint = status != "pending", answer.hint
        says = self.result if status == "completed" else self.error
        return Observation(
            status=status,
            progress=progress_of(_find(self.progress, document), self.progress_done),
            hint=seconds_of(_find(self.hint, document), MAX_SECONDS) if hint is None else hint,
            completed_at=instant_of(_find(self.completed_at, document)) if ended else None,
            result=_find(says, document) if ended else None,
        )

    def result_url_in(self, answer: Answer) -> str | None:
        """
        Return where a completed job has its result, as the answer writes it; None if it does not.

        Raises:
            RequestError: what the answer has there is no URL.
        """
        return _url_in(answer, self.result_url)

    def next_url_in(self, answer: Answer) -> str | None:
        """
        Return where to look next, as the answer writes it; None if it does not.

        Raises:
            RequestError: what the answer has there is no URL.
        """
        return _url_in(answer, self.next_url)

    def status_in(self, document: Any) -> Status | None:
        """
        Return the status that a body holds; None without one, or with one that nobody knows.

        Raises:
            RequestError: the expression cannot be evaluated over it.
        """
        said = text_of(_find(self.status, document))
        return None if said is None else self._meaning(said)

    def fields_in(self, document: Any) -> int:
        """
        Return how many of the fields that the mapping names are in a body.

        Raises:
            RequestError: an expression cannot be evaluated over it.
        """
        places = (place for place in (*self.result_url, *self.next_url) if not _HEADER.fullmatch(place))
        return sum(_find(expression, document) is not None for expression in (*self._expressions, *places))

    def _read(self, answer: Answer) -> tuple[Status, Any]:
        """Return the status, and the body as far as an expression may want it."""
        by_code = self.by_code(answer.status)
        if by_code is not None:
            return by_code, self._document_beside_code(answer)
        if is_success(answer.status):
            return self._read_body(answer)
        if is_among(answer.status, self.read):
            try:
                return self._read_body(answer)
            except RequestError:  # no job's error then, but the server's
                pass
        raise error_of(answer, transient=self._is_transient(answer.status))

    def by_code(self, code: int) -> Status | None:
        """Return the status that the code of an answer stands for by itself; None if it does not."""
        listed = [f"http {spelling}" for spelling in spellings(code)]
        return next((self._meanings[text] for text in listed if text in self._meanings), None)

    def _document_beside_code(self, answer: Answer) -> Any:
        return _document_if_any(answer) if any(self._expressions) else None

    @property
    def _expressions(self) -> tuple[str | None, ...]:
        end = (self.result, self.error, self.completed_at)
        return (self.status, self.progress, self.hint, self.job_id, *end)

    def _read_body(self, answer: Answer) -> tuple[Status, Any]:
        document = document_in(answer) if self.status is not None else None
        found = f"HTTP {answer.status}" if self.status is None else _find(self.status, document)
        if found is None:
            raise unknown_shape(answer, document)
        said = text_of(found)
        status = None if said is None else self._meaning(said)
        if status is None:
            known = ", ".join(value for name in _STATUSES for value in getattr(self, name))
            raise RequestError(f"{answer.asked} answered the status {shown(found)}; known: {known}")
        return status, document

    def _meaning(self, said: str) -> Status | None:
        status = self._meanings.get(_folded(said))
        return status if status is not None or self.pending else "pending"

    @cached_property
    def _meanings(self) -> dict[str, Status]:
        return {_folded(text): status for name, status in _STATUSES.items() for text in getattr(self, name)}

    def _check_job(self, answer: Answer, document: Any, job_id: str) -> None:
        if self.job_id is None or document is None:
            return
        named = _find(self.job_id, document)
        if text_of(named) != job_id:
            raise RequestError(f"{answer.asked} answered another job, {shown(named)}")

    def _is_transient(self, code: int) -> bool:
        """Say whether time may mend a code: as it is listed, or else its class, or else as usual."""
        listed = {text.lower(): False for text in self.fatal} | {
            text.lower(): True for text in self.transient
        }
        said = (listed[spelling] for spelling in spellings(code) if spelling in listed)
        return next(said, is_transient(code))


def mapping_from_config(table: Mapping[str, Any], base: JobMapping | None = None) -> JobMapping:
    """
    Build a mapping from its table.

    Args:
        table: fields by name.
        base: has the fields that the table leaves out.

    Raises:
        ConfigError: with all that is wrong in the table.
    """
    return structure(table if base is None else {**attrs.asdict(base), **table}, JobMapping)


def mapping_from_options(options: Mapping[str, str | None], base: JobMapping | None = None) -> JobMapping:
    """
    Build a mapping from texts, as a command line has them.

    Args:
        options: fields by name; several texts have commas between them, and None is left out.
        base: has the fields that the options leave out.

    Raises:
        ConfigError: with all that is wrong in the options.
    """
    given = {name: text for name, text in options.items() if text is not None}
    return mapping_from_config({name: _option(name, text) for name, text in given.items()}, base)


def _option(name: str, text: str) -> Any:
    kinds = {one.name: one.type for one in attrs.fields(attrs.resolve_types(JobMapping))}
    if is_list(kinds.get(name)):
        return [part.strip() for part in text.split(",") if part.strip()]
    return parse_scalar(text) if kinds.get(name) is float else text


def _find(expression: str | None, document: Any) -> Any:
    """Return what an expression finds; None without either."""
    return None if expression is None or document is None else evaluate(expression, document)


def _url_in(answer: Answer, places: Sequence[str]) -> str | None:
    for place in places:
        header = _HEADER.fullmatch(place)
        found = answer.header(header[1]) if header else _find(place, _document_if_any(answer))
        if found is None:
            continue
        if not isinstance(found, str) or not found.strip() or not found.isprintable():
            raise RequestError(f"{answer.asked} answered {shown(found)} where {place} should be a URL")
        return found.strip()
    return None


def _document_if_any(answer: Answer) -> Any:
    return document_in(answer) if answer.body else None


def _folded(value: str) -> str:
    """Return a value so that those which differ in case or space only are equal."""
    return " ".join(value.casefold().split())


def _refuse_twice(mapping: JobMapping, *names: str) -> None:
    """Refuse a text that two fields list."""
    owners: dict[str, str] = {}
    for name in names:
        for text in getattr(mapping, name):
            owner = owners.setdefault(_folded(text), name)
            if owner != name:
                raise ConfigError(Problem(f"lists {shown(text)}, as {owner!r} does", (name,)))
