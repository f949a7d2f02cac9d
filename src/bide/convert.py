"""
Values as data, both ways, on top of cattrs: classes of attrs from tables, and tables from them.

cattrs finds the hook for a type. The hooks are ours, because cattrs coerces where config must refuse, and
stops at the first fault of a class where config reports all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import NoneType, UnionType
from typing import Any, Literal, NoReturn, TypeVar, Union, cast, get_args, get_origin

import attrs
import cattrs

from bide import registry
from bide.durations import Seconds, parse_duration
from bide.errors import ConfigError, Problem, nearest, shown
from bide.files import FileName, located
from bide.learning import History
from bide.strategy import Strategy

T = TypeVar("T")


def structure(data: Any, kind: type[T]) -> T:
    """
    Build a value of a type from data.

    Raises:
        ConfigError: with all that is wrong in the data, each problem with its path.
    """
    return _converter.structure(data, kind)


def to_data(value: Any) -> Any:
    """
    Return a value as data: numbers, text, lists and tables.

    Raises:
        ConfigError: a strategy's class is not registered.
    """
    return _converter.unstructure(value)


def fields_to_data(value: Any) -> dict[str, Any]:
    """Return the fields of a value as data, without its kind: its class need not have a name."""
    fields = [field for field in attrs.fields(type(value)) if field.init]
    return {str(field.alias): to_data(getattr(value, field.name)) for field in fields}


def _structure_strategy(value: Any, _: object) -> Any:
    return _structure_kind(value, registry.strategy_class)


def _structure_kind(value: Any, find: Callable[[str], type[Any]]) -> Any:
    """Build what a table with a ``kind`` means; a kind's name alone means the table with nothing else."""
    table = {"kind": value} if isinstance(value, str) else value
    if not isinstance(table, Mapping):
        raise ConfigError(f"must be a table with a 'kind', or the name of a kind, got {shown(value)}")
    if not isinstance(table.get("kind"), str):
        got = shown(table["kind"]) if "kind" in table else f"only {', '.join(map(shown, table)) or 'nothing'}"
        raise ConfigError(f"needs a 'kind', and it must be text, got {got}")
    try:
        cls = find(table["kind"])
    except ConfigError as error:
        raise error.inside("kind") from error
    return structure({key: value for key, value in table.items() if key != "kind"}, cls)


def _structure_union(value: Any, union: Any) -> Any:
    """Build one of several classes, told apart by their ``kind``."""
    by_kind: dict[str, type[Any]] = {member.kind: member for member in get_args(union)}

    def find(kind: str) -> type[Any]:
        if kind not in by_kind:
            raise ConfigError(f"unknown kind {shown(kind)}{nearest(kind, by_kind)}")
        return by_kind[kind]

    return _structure_kind(value, find)


def _structure_any(value: Any, union: Any) -> Any:
    """Build the first member of a union that the value fits."""
    for member in get_args(union):
        try:
            return _converter.structure(value, member)
        except ConfigError:
            continue
    names = " or ".join(getattr(member, "__name__", str(member)) for member in get_args(union))
    raise ConfigError(f"must be {names}, got {shown(value)}")


def _structure_optional(value: Any, optional: Any) -> Any:
    """Build a value that may be absent: "none", or None, is none."""
    if value is None or value == "none":
        return None
    present = next(member for member in get_args(optional) if member is not NoneType)
    return _converter.structure(value, present)


def _structure_class(cls: type[Any]) -> Callable[[Any, Any], Any]:
    """Return a function that builds an attrs class from a table and reports all that is wrong in it."""
    fields = {str(field.alias): field for field in attrs.fields(attrs.resolve_types(cls)) if field.init}

    def structure(table: Any, _: object) -> Any:
        if not isinstance(table, Mapping):
            raise ConfigError(f"must be a table, got {shown(table)}")
        values: dict[str, Any] = {}
        problems = _unknown_fields(table, fields)
        for name, attribute in fields.items():
            try:
                if name in table:
                    values[name] = _structure_field(table[name], attribute)
                elif attribute.default is attrs.NOTHING:
                    raise ConfigError(f"is required{attribute.metadata.get('example', '')}")
            except ConfigError as error:
                problems += error.inside(name).problems
        if problems:
            raise ConfigError(problems)
        return _built(cls, values)

    return structure


def _unknown_fields(table: Mapping[str, Any], fields: Mapping[str, Any]) -> list[Problem]:
    return [
        Problem(f"unknown field, with the value {shown(value)}{nearest(str(name), fields)}", (str(name),))
        for name, value in table.items()
        if name not in fields
    ]


def _structure_field(value: Any, attribute: attrs.Attribute[Any]) -> Any:
    try:
        built: Any = _converter.structure(value, cast("type[Any]", attribute.type))
    except ConfigError:
        raise
    except Exception as error:  # of a type that nobody has taught the converter
        raise ConfigError(f"cannot be read as {attribute.type}, got {shown(value)}: {error!r}") from error
    try:
        if attribute.validator is not None:
            attribute.validator(None, attribute, built)
    except ConfigError as error:
        raise ConfigError([attrs.evolve(p, path=p.path[1:]) for p in error.problems]) from error
    except Exception:  # noqa: S110 - a validator that needs the instance speaks when it is built
        pass
    return built


def _built(cls: type[Any], values: dict[str, Any]) -> Any:
    try:
        return cls(**values)
    except ConfigError:
        raise
    except (ValueError, TypeError) as error:  # what attrs' own validators raise
        raise ConfigError(str(error.args[0] if error.args else error)) from error
    except Exception as error:
        raise ConfigError(f"cannot be built: {error!r}") from error


def _structure_tuple(value: Any, tuple_type: Any) -> Any:
    """Build a tuple of any length from a list, and say which element is wrong."""
    if not isinstance(value, (list, tuple)):
        raise ConfigError(f"must be a list, got {shown(value)}")
    built: list[Any] = []
    problems: list[Problem] = []
    for index, element in enumerate(value):
        try:
            built.append(_converter.structure(element, get_args(tuple_type)[0]))
        except ConfigError as error:
            problems += error.inside(f"[{index}]").problems
    if problems:
        raise ConfigError(problems)
    return tuple(built)


def _structure_mapping(value: Any, mapping: Any) -> Any:
    """Build the values of a table whose keys are anybody's names, and say which of them are wrong."""
    if not isinstance(value, Mapping):
        raise ConfigError(f"must be a table, got {shown(value)}")
    built: dict[str, Any] = {}
    problems: list[Problem] = []
    for name, element in value.items():
        try:
            built[name] = _converter.structure(element, get_args(mapping)[1])
        except ConfigError as error:
            problems += error.inside(name).problems
    if problems:
        raise ConfigError(problems)
    return built


def _structure_seconds(value: Any, _: object) -> float:
    if isinstance(value, str):
        return parse_duration(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ConfigError(
            f"must be a number of seconds, or text with a unit such as '2m30s', got {shown(value)}"
        )
    return _as_float(value)


def _structure_float(value: Any, _: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ConfigError(f"must be a number, got {shown(value)}")
    return _as_float(value)


def _structure_file_name(value: Any, _: object) -> str:
    if not _structure_exactly(value, str):
        raise ConfigError("must be the name of a file, got ''")
    return located(value)


def _as_float(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        raise ConfigError("must be a finite number, got one of more than 300 digits") from None


def _structure_exactly(value: Any, cls: type[Any]) -> Any:
    if type(value) is not cls:
        names = {int: "a whole number", bool: "true or false", str: "text"}
        raise ConfigError(f"must be {names[cls]}, got {shown(value)}")
    return value


def _unstructure_class(cls: type[Any]) -> Callable[[Any], dict[str, Any]]:
    def unstructure(value: Any) -> dict[str, Any]:
        kind = _kind_of(cls)
        fields = fields_to_data(value)
        return fields if kind is None else {"kind": kind, **fields}

    return unstructure


def _refuse_history(history: Any) -> NoReturn:
    raise ConfigError(f"history: config can only name a file, got {shown(history)}")


def _kind_of(cls: type[Any]) -> str | None:
    """Return what a table of this class has as its kind, if anything."""
    return registry.kind_of(cls) if hasattr(cls, "delay") else getattr(cls, "kind", None)


def is_union(kind: Any) -> bool:
    """Say whether a type is a union, written either way."""
    return get_origin(kind) in (Union, UnionType)


def _is_union_of_kinds(kind: Any) -> bool:
    return is_union(kind) and all(hasattr(member, "kind") for member in get_args(kind))


def _is_optional(kind: Any) -> bool:
    return is_union(kind) and NoneType in get_args(kind)


def is_list(kind: Any) -> bool:
    """Say whether a type is a tuple of any length, which config writes as a list."""
    return get_origin(kind) is tuple and get_args(kind)[1:] == (Ellipsis,)


def _is_literal(kind: Any) -> bool:
    return get_origin(kind) is Literal


def _is_mapping(kind: Any) -> bool:
    return get_origin(kind) is Mapping


def _make_converter() -> cattrs.Converter:
    converter = cattrs.Converter(detailed_validation=False)
    converter.register_structure_hook_factory(attrs.has, _structure_class)
    converter.register_structure_hook_func(is_union, _structure_any)
    converter.register_structure_hook_func(_is_union_of_kinds, _structure_union)
    converter.register_structure_hook_func(_is_optional, _structure_optional)
    converter.register_structure_hook_func(is_list, _structure_tuple)
    converter.register_structure_hook_func(_is_mapping, _structure_mapping)
    # What a protocol asks for is no data: the field's own converter makes it, or its validator refuses it.
    converter.register_structure_hook_func(
        lambda t: getattr(t, "_is_protocol", False), lambda value, _: value
    )
    converter.register_structure_hook_func(_is_literal, lambda word, _: word)
    converter.register_structure_hook_func(lambda t: t == Seconds, _structure_seconds)
    converter.register_structure_hook_func(lambda t: t == FileName, _structure_file_name)
    converter.register_structure_hook_func(lambda t: t is Strategy, _structure_strategy)
    converter.register_structure_hook(float, _structure_float)
    for exact in (int, bool, str):
        converter.register_structure_hook(exact, _structure_exactly)
    converter.register_unstructure_hook_factory(attrs.has, _unstructure_class)
    converter.register_unstructure_hook_func(lambda t: issubclass(t, History), _refuse_history)
    converter.register_unstructure_hook(NoneType, lambda _: "none")
    return converter


_converter = _make_converter()
