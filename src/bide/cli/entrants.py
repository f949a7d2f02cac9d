"""The policies that a command compares, as they are named on the command line."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import attrs

from bide.catalogue import find_policy
from bide.errors import ConfigError, shown
from bide.policy import Policy
from bide.resolve import limits_of_options


def find_entrants(
    texts: Sequence[str], limits: Mapping[str, str], find: Callable[[str], Policy] = find_policy
) -> dict[str, Policy]:
    """
    Return policies under the names of their files, or as they were given where that is not enough.

    Args:
        texts: what a person calls each; see `bide.catalogue.policy_table`.
        limits: what the command line says of limits, as text by name; it goes before what the policies say.
        find: returns the policy that a person means.

    Raises:
        ConfigError: there is no such policy, something in it or in the limits is wrong, or one comes twice.
    """
    given = limits_of_options(limits)
    names = [Path(text).stem if text.endswith(".toml") else text for text in texts]
    names = [text if names.count(name) > 1 else name for text, name in zip(texts, names, strict=True)]
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(f"STRATEGIES: {shown(name)} is given twice")
    policies = map(find, texts)
    return {
        name: attrs.evolve(policy, limits=attrs.evolve(policy.limits, **given))
        for name, policy in zip(names, policies, strict=True)
    }
