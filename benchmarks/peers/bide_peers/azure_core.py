"""
azure-core, `LROPoller.result()`, with the polling that its clients use unless told otherwise: every 30 s.

The answers are made up below its HTTP transport, and give no `Retry-After`, which would replace the 30 s.

Source: azure-core, `polling/_poller.py`, `polling/base_polling.py`.
"""

from __future__ import annotations

import io
import json
from typing import Any

import requests
from azure.core import PipelineClient
from azure.core.pipeline.policies import ContentDecodePolicy, RequestIdPolicy
from azure.core.pipeline.transport import RequestsTransport
from azure.core.polling import LROPoller
from azure.core.polling.base_polling import LROBasePolling
from azure.core.rest import HttpRequest

from bide.lab.recorded import Peer, PendingJob

_JOB = "https://azure.invalid/job"


class _Answers(requests.adapters.BaseAdapter):  # type: ignore[misc]
    """Starts the job by POST, and looks at it by GET."""

    def __init__(self, job: PendingJob) -> None:
        super().__init__()
        self._job = job

    def send(self, request: Any, **options: Any) -> Any:
        """Answer without a network."""
        ended = request.method == "GET" and self._job.poll()
        answer = requests.Response()
        answer.request, answer.url = request, request.url
        answer.status_code = 202 if request.method == "POST" else 200
        answer.headers.update({"Operation-Location": _JOB, "Content-Type": "application/json"})
        answer.raw = io.BytesIO(json.dumps({"status": "Succeeded" if ended else "Running"}).encode())
        return answer

    def close(self) -> None:
        """There is nothing to close."""


def _wait(job: PendingJob) -> None:
    session = requests.Session()
    session.mount("https://", _Answers(job))
    transport = RequestsTransport(session=session, session_owner=False)
    policies = [RequestIdPolicy(), ContentDecodePolicy()]
    client = PipelineClient("https://azure.invalid", transport=transport, policies=policies)
    started = client.send_request(HttpRequest("POST", _JOB), _return_pipeline_response=True)
    LROPoller(client, started, lambda _: None, LROBasePolling()).result()


PEERS = (Peer("azure-core", "LROPoller.result()", _wait),)
