"""Many waits at once in a few threads."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from queue import Empty, SimpleQueue

from bide.outcome import Outcome
from bide.poller import Poller
from bide.strategy import Observation
from bide.wait import Wait

_Step = float | Outcome | BaseException


def outcomes(
    poller: Poller, waits: Sequence[tuple[Wait, Callable[[], Observation]]], at_once: int
) -> Iterator[tuple[int, Outcome]]:
    """
    Carry out many waits, and yield the place of each with its outcome, as it ends.

    Threads look; nobody sleeps but the caller, until the next look is due.

    Args:
        poller: whose waits they are.
        waits: each with the function that looks at its job.
        at_once: most looks at the same time; >= 1.
    """
    due = [(wait.started + wait.first_delay(), place) for place, (wait, _) in enumerate(waits)]
    heapq.heapify(due)
    looked: SimpleQueue[tuple[int, _Step]] = SimpleQueue()

    def look(place: int) -> None:
        try:
            looked.put((place, poller.look(*waits[place])))
        except BaseException as error:  # the caller raises it
            looked.put((place, error))

    left = len(waits)
    threads = ThreadPoolExecutor(at_once, thread_name_prefix="bide-look")
    try:
        while left:
            now = poller.clock()
            while due and due[0][0] <= now:
                threads.submit(look, heapq.heappop(due)[1])
            try:
                place, step = looked.get(timeout=due[0][0] - now if due else None)
            except Empty:
                continue
            if isinstance(step, BaseException):
                raise step
            if isinstance(step, Outcome):
                left -= 1
                yield place, step
            else:
                heapq.heappush(due, (poller.clock() + step, place))
    finally:
        threads.shutdown(wait=False, cancel_futures=True)
