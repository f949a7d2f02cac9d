"""Puts the catalogue into the wheel: its files lie beside the package here, and inside it there."""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CatalogueHook(BuildHookInterface[Any]):
    """Include each ``strategies/*.toml`` as ``bide_strategies/catalogue/*.toml``."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the files, unless the build is an editable install, which finds them where they lie."""
        if version != "editable":
            for file in Path(self.root, "strategies").glob("*.toml"):
                build_data["force_include"][str(file)] = f"bide_strategies/catalogue/{file.name}"
