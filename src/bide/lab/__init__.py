"""The lab: what strategies cost, and how far that is from the least possible."""

try:
    import numpy  # noqa: F401 - only to see that it is there
except ImportError as error:
    raise ImportError(f"the lab needs {error.name}: install bide with its extra 'lab'") from error

from bide.lab.compare import compare
from bide.lab.comparison import Comparison, Frontier, Result, WorkloadResults
from bide.lab.contenders import Entrant
from bide.lab.herd import HerdResult, draw_durations, run_herd
from bide.lab.optimum import Plan, plan
from bide.lab.server_model import ServerModel
from bide.lab.starts import Outage, Spread, Together
from bide.lab.workloads import Workload, find_workload, load_workload

__all__ = [
    "Comparison",
    "Entrant",
    "Frontier",
    "HerdResult",
    "Outage",
    "Plan",
    "Result",
    "ServerModel",
    "Spread",
    "Together",
    "Workload",
    "WorkloadResults",
    "compare",
    "draw_durations",
    "find_workload",
    "load_workload",
    "plan",
    "run_herd",
]
