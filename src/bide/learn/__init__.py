"""Learning when to look: how long jobs took, what that says of the next, and the plan that follows."""

try:
    import numpy  # noqa: F401 - only to see that it is there
    import scipy  # noqa: F401
except ImportError as error:
    raise ImportError(f"learning needs {error.name}: install bide with its extra 'learn'") from error

from bide.learn.blend import curious_table, is_trusted
from bide.learn.estimate import estimate
from bide.learn.planning import Table, plan_for, table_of
from bide.learn.sample import Samples
from bide.learn.weights import recency

__all__ = ["Samples", "Table", "curious_table", "estimate", "is_trusted", "plan_for", "recency", "table_of"]
