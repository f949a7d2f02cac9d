"""How much jobs with a key, and the others of their kind, say of the next one."""

import pytest

from bide import End
from bide.learn.pooling import pooled
from bide.learning import Lesson


def test_jobs_are_in_the_order_in_which_they_began() -> None:
    """Of many that begin at once the shortest end first: that is not how durations change."""
    ended = [
        Lesson(low=d, high=d, end=End.COMPLETED, began_at=at)
        for d, at in ((1.0, 3.0), (2.0, 1.0), (9.0, 2.0))
    ]
    samples, _ = pooled(ended, "")
    assert samples.low.tolist() == [2.0, 9.0, 1.0]


@pytest.mark.parametrize(("own", "worth"), [(0, 10.0), (10, 5.0), (90, 1.0)])
def test_others_weigh_ever_less(own: int, worth: float) -> None:
    """A hundred others weigh as much as ten of the key's own at first, and as one once there are ninety."""
    lessons = [Lesson.exact(100.0, "other")] * 100 + [Lesson.exact(5.0, "own")] * own
    samples, weights = pooled(lessons, "own")
    assert samples.low[:100].tolist() == [100.0] * 100
    assert weights[:100].sum() == pytest.approx(worth)
    assert weights[100:].tolist() == pytest.approx([1.0] * own, abs=0.1)


def test_few_others_weigh_no_more_than_their_number() -> None:
    """Two others are two jobs."""
    _, weights = pooled([Lesson.exact(5.0, "other")] * 2, "own")
    assert weights.tolist() == pytest.approx([1.0, 1.0], abs=0.1)


def test_jobs_of_another_key_are_no_change() -> None:
    """If twenty long jobs of one key follow a hundred short ones of another, all count for a third."""
    lessons = [Lesson.exact(10.0 + job % 7, "small", began_at=job) for job in range(100)]
    lessons += [Lesson.exact(100.0 + job % 7, "large", began_at=100.0 + job) for job in range(20)]
    samples, weights = pooled(lessons, "new")
    is_short = samples.high < 50
    assert weights[is_short].sum() == pytest.approx(5 * weights[~is_short].sum(), rel=0.2)
