"""For libraries that repeat only what raised."""

from __future__ import annotations

from collections.abc import Callable

from bide.lab.recorded import PendingJob


class StillPending(Exception):
    """The job has not ended."""


def poll_or_raise(job: PendingJob) -> Callable[[], None]:
    """Return a function that looks once, and raises while the job is pending."""

    def poll() -> None:
        if not job.poll():
            raise StillPending

    return poll
