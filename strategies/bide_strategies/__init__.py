"""The strategies that bide ships: one module each, found through the entry-point group `bide.strategies`."""

from bide_strategies.decorrelated_jitter import DecorrelatedJitter
from bide_strategies.exponential import Exponential
from bide_strategies.fixed import Fixed
from bide_strategies.jitter import Additive, Equal, Full, Jitter, NoJitter

__all__ = ["Additive", "DecorrelatedJitter", "Equal", "Exponential", "Fixed", "Full", "Jitter", "NoJitter"]
