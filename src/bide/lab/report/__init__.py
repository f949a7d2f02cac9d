"""What the lab found, as pages and pictures. They need the extra ``lab``."""

try:
    import altair  # noqa: F401 - only to see that they are there
    import jinja2  # noqa: F401
    import vl_convert  # noqa: F401
except ImportError as error:
    raise ImportError(f"charts need {error.name}: install bide with its extra 'lab'") from error
