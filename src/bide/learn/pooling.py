"""Jobs with something in common, and the others of their kind: how much each says of the next."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bide.lab.distribution import Array
from bide.learn.sample import Samples
from bide.learn.weights import recency
from bide.learning import Lesson

_WORTH = 10.0
"""All other jobs of the kind say as much as so many of the key's own, while there are few of these."""


def pooled(lessons: Sequence[Lesson], key: str) -> tuple[Samples, Array]:
    """
    Return all jobs of a kind, those with the key last, and the weight of each for the next one with the key.

    Jobs of each key weigh what `recency` says of them: that those of another come is no sign that durations
    change. The n of the key itself count like that. The others together weigh as much as 10 of them while n
    is small, and ever less as it grows: 10 * 10 / (10 + n).

    Args:
        lessons: the oldest first.
        key: of the next job.
    """
    # Of waits that begin together the shortest end first, which is no sign that durations change.
    begun = sorted(lessons, key=lambda lesson: lesson.began_at)
    by_key: dict[str, list[Lesson]] = {}
    for lesson in begun:
        by_key.setdefault(lesson.key, []).append(lesson)
    own = by_key.pop(key, [])
    samples = [_samples(part) for part in (*by_key.values(), own)]
    weights = [recency(part) for part in samples]
    if by_key:
        others = sum(float(part.sum()) for part in weights[:-1])
        share = min(1.0, _WORTH**2 / (_WORTH + len(own)) / others)
        weights[:-1] = [part * share for part in weights[:-1]]
    low, high = (np.concatenate([getattr(part, side) for part in samples]) for side in ("low", "high"))
    return Samples(low=low, high=high), np.concatenate(weights)


def _samples(lessons: Sequence[Lesson]) -> Samples:
    return Samples(low=[each.low for each in lessons], high=[each.high for each in lessons])
