"""
google-api-core, `Operation.result()`, with its own polling and its own limit of 15 min.

The operation that each look fetches is made up.

Source: google-api-core, `operation.py`, `future/polling.py`, `retry/retry_unary.py`.
"""

from __future__ import annotations

from concurrent.futures import TimeoutError as PollingTimeout
from contextlib import suppress
from typing import Any

from google.api_core.operation import Operation
from google.longrunning.operations_pb2 import Operation as Message
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.empty_pb2 import Empty

from bide.lab.recorded import Peer, PendingJob


def _wait(job: PendingJob) -> None:
    nothing = AnyMessage()
    nothing.Pack(Empty())

    def refresh(**_: Any) -> Any:
        return Message(done=True, response=nothing) if job.poll() else Message()

    with suppress(PollingTimeout):
        Operation(Message(), refresh, cancel=None, result_type=Empty).result()


PEERS = (Peer("google-api-core", "Operation.result()", _wait),)
