"""One scenario, four drivers: threads, asyncio, trio and virtual time do the same."""

from __future__ import annotations

import threading

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
