"""Learning when to look: how long jobs took, what that says of the next, and the plan that follows."""

try:
    import numpy  # noqa: F401 - only to see that it is there
except ImportError as error:
    raise ImportError(f"learning needs {error.name}: install bide with its extra 'learn'") from error

from bide.learn.estimate import estimate
from bide.learn.planning import Table, plan_for, table_of
from bide.learn.sample import Samples
from bide.learn.weights import recency

__all__ = ["Samples", "Table", "estimate", "plan_for", "recency", "table_of"]
