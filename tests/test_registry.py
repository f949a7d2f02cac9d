"""Names of strategies: who may take one, and what happens when two do."""

from collections.abc import Iterator
from importlib.metadata import EntryPoint

import pytest
from attrs import frozen

from bide import ConfigError, Situation, from_config, register, registry, to_config
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
    with pytest.raises(ConfigError, match=r"'broken', no_such_package.module:Class .* cannot be imported"):
        from_config("broken")
