"""
botocore, `get_waiter("instance_running").wait()` of EC2: every 15 s, 40 times, as no other pair is as common.

Its waiter runs by the model that comes with it; the operation that it calls is made up.

Source: botocore, `waiter.py`, `data/ec2/2016-11-15/waiters-2.json`.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from botocore.exceptions import WaiterError
from botocore.loaders import Loader
from botocore.waiter import Waiter, WaiterModel

from bide.lab.recorded import Peer, PendingJob

_MODEL = WaiterModel(Loader().load_service_model("ec2", "waiters-2"))


def _wait(job: PendingJob) -> None:
    def describe_instances(**_: Any) -> dict[str, Any]:
        state = "running" if job.poll() else "pending"
        return {"Reservations": [{"Instances": [{"State": {"Name": state}}]}]}

    with suppress(WaiterError):
        Waiter("InstanceRunning", _MODEL.get_waiter("InstanceRunning"), describe_instances).wait()


PEERS = (Peer("botocore", "EC2 instance_running", _wait),)
