"""One scenario, four drivers: threads, asyncio, trio and virtual time do the same."""

from __future__ import annotations

import math
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scenarios import (
    FORMS,
    Form,
    Record,
    Scenario,
    asyncio_record,
    scenarios,
    sync_record,
    trio_record,
    virtual_record,
)

from bide import End, Limits, Observation, Poller
from bide.testing import ScriptedJob
from bide_strategies import Exponential, Full


def apart_record(scenario: Scenario, form: Form) -> Record:
    """Carry out a scenario with a `Poller` that could be cancelled, so that it polls in threads."""
    return sync_record(scenario, form, cancel=threading.Event())


@given(scenarios, st.sampled_from(FORMS))
@settings(max_examples=210)
def test_all_drivers_agree(scenario: Scenario, form: Form) -> None:
    """
    Calls, times, delays, updates, events and outcome are the same, whoever drives.

    Virtual time knows no updates, and so nobody who takes time over them.
    """
    expected = sync_record(scenario, form)
    for drive in (asyncio_record, trio_record, apart_record):
        assert drive(scenario, form) == expected
    assert virtual_record(scenario) == sync_record(scenario, "wait")


@given(scenarios)
def test_time_is_kept_exactly(scenario: Scenario) -> None:
    """
    A delay begins at the answer before it, however slow that was or who dawdled over it since.

    And the deadline does not move: no poll begins after it, but one that begins there or is late for it.
    """
    record = sync_record(scenario, "watch")
    deadline = scenario.policy.limits.timeout or math.inf
    for answer, update, start in zip(record.answers, record.updates, record.starts[1:], strict=False):
        assert update.next_delay is not None
        assert start == answer + max(update.next_delay, scenario.dawdle)
    assert all(start < deadline for start in record.starts[:-1])
    if record.outcome is not None and record.outcome.end is End.TIMED_OUT:
        assert record.starts[-1] >= deadline


@pytest.mark.wire
def test_one_poller_serves_many_threads_at_once() -> None:
    """Each wait has its own count and its own end, whatever the others do meanwhile."""
    poller = Poller(Exponential(base=0.001, cap=0.004, jitter=Full()), Limits(max_attempts=None))

    def calls(pending: int) -> int:
        job = ScriptedJob([*[Observation("pending")] * pending, Observation("completed")])
        return poller.wait(job.poll).calls

    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(calls, range(40))) == [pending + 1 for pending in range(40)]
