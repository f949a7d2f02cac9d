"""Strategies described as data: what kinds there are, what they take, and what a policy does."""

from __future__ import annotations

import inspect
import re
from types import NoneType
from typing import Any, get_args

import attrs
from attrs import frozen

from bide.bounds import Bounds, delay_bounds, schedule
from bide.convert import is_list, is_union, to_data
from bide.durations import Seconds
from bide.errors import ConfigError
from bide.files import FileName
from bide.inline import format_inline
from bide.learning import History
from bide.policy import Policy
from bide.registry import Kind, kinds, strategy_class
from bide.strategy import Observation, Situation, Strategy


@frozen
class FieldDescription:
    """
    One field of a kind.

    Args:
        name: as in config.
        type: in words; with the unit of a number that has one.
        default: as in config; None if the field is required.
        about: what it means.
    """

    name: str
    type: str
    default: str | None
    about: str


@frozen
class KindDescription:
    """
    One kind of strategy.

    Args:
        name: what config writes as ``kind``.
        about: one line.
        owner: the distribution, or the module, that it comes from.
        fields: what it takes.
        problem: why it cannot be used, if it cannot.
    """

    name: str
    about: str
    owner: str
    fields: tuple[FieldDescription, ...] = ()
    problem: str | None = None


@frozen
class PollDescription:
    """
    One of the first polls of a wait; all in seconds.

    Args:
        number: which; 1 is the first.
        delay: the delay before it where all draws are at one half.
        least: the least delay that this last draw could give.
        most: the greatest.
        earliest: the earliest time of this poll in any wait.
        latest: the latest.
    """

    number: int
    delay: float
    least: float
    most: float
    earliest: float
    latest: float


def one_line(strategy: Any) -> str:
    """Return a strategy in one line, without the fields that have their defaults."""
    return format_inline(_brief(strategy))


def _brief(value: Any) -> Any:
    """Return the config of a value, without the fields that have their defaults."""
    table = to_data(value)
    if isinstance(value, tuple):
        return [_brief(each) for each in value]
    if not attrs.has(type(value)):
        return table
    changed = {
        str(field.alias): _brief(getattr(value, field.name))
        for field in attrs.fields(type(value))
        if field.init and getattr(value, field.name) != _made(field.default, value)
    }
    return {"kind": table["kind"], **changed}


def describe_kinds() -> list[KindDescription]:
    """Return what all known kinds are, by name; one that cannot be used has its problem."""
    return [_describe_kind(name, owners) for name, owners in kinds().items()]


def describe_polls(policy: Strategy | Policy, count: int) -> list[PollDescription]:
    """Return what the first polls of a wait are."""
    policy = Policy.of(policy)
    polls = zip(_middle_wait(policy.strategy, count), schedule(policy, count), strict=True)
    described = [
        _describe_poll(policy.strategy, number, situation, time)
        for number, (situation, time) in enumerate(polls, start=1)
    ]
    first = policy.initial_delay
    if first is not None:
        described[0] = attrs.evolve(described[0], delay=first, least=first, most=first)
    return described


def _describe_poll(strategy: Strategy, number: int, situation: Situation, time: Bounds) -> PollDescription:
    delay, middle = delay_bounds(strategy, situation), strategy.delay(situation, 0.5)
    return PollDescription(number, middle, delay.least, delay.most, time.least, time.most)


def _middle_wait(strategy: Strategy, count: int) -> list[Situation]:
    """Return the situations in which a wait with all draws at one half chooses its first delays."""
    situations = [Situation()]
    while len(situations) < count:
        last = situations[-1]
        delay = strategy.delay(last, 0.5)
        situations.append(Situation(last.polls + 1, last.elapsed + delay, delay, Observation("pending")))
    return situations


def _describe_kind(name: str, owners: list[Kind]) -> KindDescription:
    owner = " and ".join(kind.owner for kind in owners)
    try:
        cls = strategy_class(name)
        return KindDescription(name, _sentence_of(cls), owner, _describe_fields(cls))
    except ConfigError as error:
        return KindDescription(name, "", owner, problem=str(error))
    except Exception as error:  # a plug-in may hold anything, and should not hide the others
        return KindDescription(name, "", owner, problem=f"cannot be described: {error!r}")


def _sentence_of(cls: type[Any]) -> str:
    return (inspect.getdoc(cls) or "").strip().partition("\n")[0]


def _describe_fields(cls: type[Any]) -> tuple[FieldDescription, ...]:
    text = inspect.getdoc(cls) or ""
    meanings = dict(re.findall(r"^ {4}(\w+): ((?:.|\n(?= {8}))+)", text, re.MULTILINE))
    return tuple(
        _describe_field(field, " ".join(meanings.get(field.alias, "").split()))
        for field in attrs.fields(attrs.resolve_types(cls))
        if field.init
    )


def _describe_field(field: attrs.Attribute[Any], about: str) -> FieldDescription:
    return FieldDescription(str(field.alias), _type_in_words(field.type), _default_of(field), about)


def _default_of(field: attrs.Attribute[Any]) -> str | None:
    default = field.default
    if default is attrs.NOTHING:
        return None
    return format_inline(to_data(_made(default)))


def _made(default: Any, instance: object = None) -> Any:
    """Return a default's value; where that needs an instance and there is none, say so."""
    if not hasattr(default, "factory"):
        return default
    if not default.takes_self:
        return default.factory()
    return "depends on the others" if instance is None else default.factory(instance)


def _member_in_words(member: Any) -> str:
    """Return a member of a union: a kind with what it takes, or a type."""
    if not attrs.has(member):
        return _type_in_words(member)
    fields = ", ".join(str(field.alias) for field in attrs.fields(member) if field.init)
    kind = getattr(member, "kind", member.__name__)
    return f"{kind}({fields})" if fields else str(kind)


_WORDS = {
    float: "number",
    int: "whole number",
    bool: "true or false",
    str: "text",
    Strategy: "strategy",
    Any: "text or table",
}


def _type_in_words(kind: Any) -> str:
    if kind == Seconds:
        return "seconds"
    if kind == FileName:
        return "file"
    if is_list(kind):
        return f"list of {_type_in_words(get_args(kind)[0])}"
    if is_union(kind):
        members = [member for member in get_args(kind) if member not in (NoneType, History)]
        words = [_member_in_words(member) for member in members]
        return " | ".join([*words, *(["none"] if NoneType in get_args(kind) else [])])
    return _WORDS.get(kind, str(kind))
