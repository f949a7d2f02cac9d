"""How a wait ended, and what it cost."""

from __future__ import annotations

from enum import StrEnum

from attrs import frozen

from bide.durations import format_duration
from bide.errors import (
    AttemptsExhausted,
    JobCancelled,
    JobFailed,
    JobNotFound,
    PollsFailed,
    RequestError,
    RequestRefused,
    WaitCancelled,
    WaitError,
    WaitTimeout,
    printable,
)
from bide.position import as_number
from bide.strategy import Observation


class End(StrEnum):
    """Why a wait is over."""

    COMPLETED = "completed"
    JOB_FAILED = "job failed"
    JOB_CANCELLED = "job cancelled"
    JOB_NOT_FOUND = "job not found"
    TIMED_OUT = "timed out"
    ATTEMPTS_EXHAUSTED = "attempts exhausted"
    POLLS_FAILED = "polls failed"
    REFUSED = "request refused"
    CANCELLED = "wait cancelled"


END_OF_JOB = {"completed": End.COMPLETED, "error": End.JOB_FAILED, "cancelled": End.JOB_CANCELLED}
"""The end of a wait by the job's own status."""

_GAVE_UP = frozenset({End.TIMED_OUT, End.ATTEMPTS_EXHAUSTED, End.POLLS_FAILED, End.CANCELLED})
"""The ends of a wait whose job may go on."""

_ERRORS: dict[End, type[WaitError]] = {
    End.JOB_FAILED: JobFailed,
    End.JOB_CANCELLED: JobCancelled,
    End.JOB_NOT_FOUND: JobNotFound,
    End.TIMED_OUT: WaitTimeout,
    End.ATTEMPTS_EXHAUSTED: AttemptsExhausted,
    End.POLLS_FAILED: PollsFailed,
    End.REFUSED: RequestRefused,
    End.CANCELLED: WaitCancelled,
}


@frozen(kw_only=True)
class Outcome:
    """
    How a wait ended, and what it cost.

    Args:
        end: why it is over.
        observation: what the last answered poll saw; None if none was answered.
        calls: polls made, failed ones included; over HTTP each request of one, such as those after redirects.
        elapsed: seconds from the start of the wait to its end.
        failure: why the last poll failed, if it did.
        failed_calls: how many of the calls failed, or were led elsewhere.
        failures: why they failed: the last ten, in order.
        hints_followed: how many delays a hint of the server changed.
        lag: seconds from the job's end to the answer that showed it, where the server says when the job
            ended: by this machine's clock and the server's, and never below 0.
        token: from which `bide.Wait.resume` goes on, unless the job has ended.
    """

    end: End
    observation: Observation | None
    calls: int
    elapsed: float
    failure: RequestError | None = None
    failed_calls: int = 0
    failures: tuple[RequestError, ...] = ()
    hints_followed: int = 0
    lag: float | None = None
    token: str | None = None

    @property
    def wasted(self) -> int:
        """How many of the calls did not show the job's end."""
        return self.calls - (self.end in END_OF_JOB.values())

    def raise_for_end(self) -> Outcome:
        """
        Return this outcome if the job completed.

        Raises:
            WaitError: the kind that says how else the wait ended, with this outcome in it.
        """
        if self.end is End.COMPLETED:
            return self
        error = _ERRORS[self.end](str(self))
        error.outcome = self
        if isinstance(error, RequestRefused) and self.failure is not None:
            error.status = self.failure.status
        raise error from self.failure

    def __str__(self) -> str:
        calls = f"{self.calls} call{'' if self.calls == 1 else 's'}"
        text = f"{self.end} after {calls} in {format_duration(self.elapsed)}"
        reason = self._reason()
        return f"{text}{'' if reason is None else f': {reason}'}{self._last_seen()}"

    def _last_seen(self) -> str:
        """Return where the job of a wait that gave up stood, as the end of a sentence."""
        seen = self.observation
        if seen is None or self.end not in _GAVE_UP:
            return ""
        progress = as_number(seen.progress)  # anybody's poll function may have put anything there
        return f"; last seen {seen.words}" + ("" if progress is None else f", {progress:.0%} done")

    def _reason(self) -> object:
        """Return why the last poll failed, or what a failed job says; None without a reason."""
        if self.failure is not None or self.end is not End.JOB_FAILED or self.observation is None:
            return self.failure
        said = self.observation.result
        if isinstance(said, dict) and isinstance(said.get("message"), str):
            said = said["message"]
        return said if said is None else printable(str(said))
