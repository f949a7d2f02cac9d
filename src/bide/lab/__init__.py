"""The lab: what strategies cost, and how far that is from the least possible."""

from bide.lab.compare import compare
from bide.lab.comparison import Comparison, Frontier, Result, WorkloadResults
from bide.lab.contenders import Entrant
from bide.lab.optimum import Plan, plan
from bide.lab.workloads import Workload, find_workload, load_workload

__all__ = [
    "Comparison",
    "Entrant",
    "Frontier",
    "Plan",
    "Result",
    "Workload",
    "WorkloadResults",
    "compare",
    "find_workload",
    "load_workload",
    "plan",
]
