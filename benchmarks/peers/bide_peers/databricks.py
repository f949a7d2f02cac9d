"""
databricks-sdk, `jobs.run_now_and_wait()`, with its own limit of 20 min.

Its loop for jobs runs; `get_run`, by which it looks, is made up.

Source: databricks-sdk, `service/jobs.py`, `wait_get_run_job_terminated_or_skipped`.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from databricks.sdk.service.jobs import JobsAPI, Run, RunLifeCycleState, RunState

from bide.lab.recorded import Peer, PendingJob


def _wait(job: PendingJob) -> None:
    def get_run(run_id: int) -> Any:
        ended = job.poll()
        state = RunLifeCycleState.TERMINATED if ended else RunLifeCycleState.RUNNING
        return Run(run_id=run_id, state=RunState(life_cycle_state=state))

    jobs = JobsAPI(None)
    jobs.get_run = get_run
    with suppress(TimeoutError):
        jobs.wait_get_run_job_terminated_or_skipped(1)


PEERS = (Peer("databricks-sdk", "jobs.run_now_and_wait()", _wait),)
