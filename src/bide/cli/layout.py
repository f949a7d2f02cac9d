"""How tables look, in every command."""

from __future__ import annotations

from typing import Any

from rich.box import SIMPLE_HEAD

LAYOUT: Any = {"box": SIMPLE_HEAD, "title_justify": "left", "pad_edge": False, "padding": (0, 1, 0, 0)}
