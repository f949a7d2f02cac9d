"""Names of strategies: who may take one, and what happens when two do."""

from collections.abc import Iterator
from importlib.metadata import EntryPoint

import pytest
from attrs import field, frozen

from bide import ConfigError, Situation, from_config, register, registry, to_config
from bide.describe import describe_kinds
from bide_strategies import Fixed


@frozen
class Impatient:
    """Looks again and again."""

    def delay(self, situation: Situation, u: float) -> float:
        """Return almost nothing."""
        return 0.01


@pytest.fixture(autouse=True)
def _own_registry(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Leave no name behind."""
    monkeypatch.setattr(registry, "_registered", {})
    yield
    registry._installed.cache_clear()


def install(monkeypatch: pytest.MonkeyPatch, *points: EntryPoint) -> None:
    """Pretend that only these entry points are installed."""
    monkeypatch.setattr(registry, "entry_points", lambda group: [p for p in points if p.group == group])
    registry._installed.cache_clear()


def test_a_registered_class_is_known_to_config_both_ways() -> None:
    """The decorator gives a class a name, and gives the class back."""
    assert register("impatient")(Impatient) is Impatient
    assert from_config("impatient") == Impatient()
    assert to_config(Impatient()) == {"kind": "impatient"}


def test_a_class_without_a_name_cannot_become_config() -> None:
    """The error tells how to get one."""
    with pytest.raises(ConfigError, match=r"has no name in config: use bide.register"):
        to_config(Impatient())


def test_a_taken_name_is_refused_and_both_owners_named() -> None:
    """A duplicate is an error at once; registering the same class again is none."""
    register("impatient")(Impatient)
    register("impatient")(Impatient)
    with pytest.raises(
        ConfigError, match=r"'fixed' is taken twice: by .*Fixed of bide .*Impatient of module"
    ):
        register("fixed")(Impatient)
    assert from_config("fixed") == Fixed()


@pytest.mark.parametrize("name", ["", "a b", "tru.toml", "x(y", "3", 3, Impatient])
def test_a_name_that_no_text_can_mean_is_refused(name: object) -> None:
    """Nor is a class taken for a name, where somebody forgets the parentheses."""
    with pytest.raises(ConfigError, match="register takes the name of a kind"):
        register(name)  # type: ignore[arg-type]


def test_a_class_exported_from_elsewhere_has_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """An entry point may name the package that exports a class, not the module that defines it."""
    install(monkeypatch, EntryPoint("steady", "bide_strategies:Fixed", registry.GROUP))
    assert to_config(from_config("steady"))["kind"] == "steady"


def test_two_distributions_with_one_name_break_only_that_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that is taken twice is refused when used, and all other names go on."""
    install(
        monkeypatch,
        EntryPoint("same", "bide_strategies.fixed:Fixed", registry.GROUP),
        EntryPoint("same", "bide_strategies.exponential:Exponential", registry.GROUP),
        EntryPoint("steady", "bide_strategies.fixed:Fixed", registry.GROUP),
    )
    assert from_config("steady") == Fixed()
    with pytest.raises(
        ConfigError, match=r"'same' is taken twice: by .*:Fixed of .* and by .*:Exponential of"
    ):
        from_config("same")


def test_a_plug_in_that_cannot_be_imported_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A broken plug-in is reported by name, and breaks no other."""
    install(
        monkeypatch,
        EntryPoint("broken", "no_such_package.module:Class", registry.GROUP),
        EntryPoint("fixed", "bide_strategies.fixed:Fixed", registry.GROUP),
    )
    assert from_config("fixed") == Fixed()
    described = {kind.name: kind.problem for kind in describe_kinds()}
    assert described["fixed"] is None
    assert "cannot be imported" in str(described["broken"])
    with pytest.raises(ConfigError, match=r"'broken', no_such_package.module:Class .* cannot be imported"):
        from_config("broken")


def _odd_default() -> dict[str, int]:
    return {"a": 1}


@frozen(kw_only=True)
class Odd:
    """Has defaults that no description can show."""

    base: float = 1.0
    cap: float = field()
    table: dict[str, int] = field(factory=_odd_default)
    either: int | str = 3

    @cap.default
    def _cap(self) -> float:
        return self.base * 2

    def delay(self, situation: Situation, u: float) -> float:
        """Return the base."""
        return self.base


def test_an_odd_plug_in_does_not_hide_the_others() -> None:
    """Whatever its fields are, it is listed, and so are all others."""
    register("odd")(Odd)
    described = {kind.name: kind for kind in describe_kinds()}
    assert described["odd"].problem is None
    assert [field.default for field in described["odd"].fields] == [
        "1",
        '"depends on the others"',
        "(a=1)",
        "3",
    ]
    assert from_config({"kind": "odd", "either": "four"}) == Odd(either="four")
    with pytest.raises(ConfigError, match=r"either: must be int or str, got 1.5"):
        from_config({"kind": "odd", "either": 1.5})
    assert described["fixed"].problem is None
