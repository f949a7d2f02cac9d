"""The strategies that bide ships: one module each, found through the entry-point group `bide.strategies`."""

from bide_strategies.clamp import Clamp
from bide_strategies.decorrelated_jitter import DecorrelatedJitter
from bide_strategies.envelope import Envelope
from bide_strategies.exponential import Exponential
from bide_strategies.fibonacci import Fibonacci
from bide_strategies.fixed import Fixed
from bide_strategies.follow_progress import FollowProgress
from bide_strategies.jitter import Additive, Equal, Full, Jitter, NoJitter, Proportional
from bide_strategies.learned import Learned
from bide_strategies.linear import Linear
from bide_strategies.optimal import Optimal
from bide_strategies.polly_v2 import PollyV2
from bide_strategies.polynomial import Polynomial
from bide_strategies.scale import Scale
from bide_strategies.schedule import Schedule
from bide_strategies.then import Then

__all__ = [
    "Additive",
    "Clamp",
    "DecorrelatedJitter",
    "Envelope",
    "Equal",
    "Exponential",
    "Fibonacci",
    "Fixed",
    "FollowProgress",
    "Full",
    "Jitter",
    "Learned",
    "Linear",
    "NoJitter",
    "Optimal",
    "PollyV2",
    "Polynomial",
    "Proportional",
    "Scale",
    "Schedule",
    "Then",
]
