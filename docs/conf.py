"""How the documentation is built."""

from bide import __version__

project = "bide"
author = "The bide maintainers"
project_copyright = "2026, The bide maintainers"
version = release = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_click"]
exclude_patterns = ["_build"]
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
napoleon_custom_sections = ["Source"]
autodoc_member_order = "bysource"
autodoc_typehints = "none"  # the words under each name say more, with units
default_role = "code"  # `name` in a docstring is code

html_theme = "furo"
html_title = "bide"
