"""
replicate, `prediction.wait()`, with its own interval of half a second.

The answers are made up in place of its HTTP transport.

Source: replicate, `prediction.py`, `client.py`.
"""

from __future__ import annotations

import httpx
from replicate import Client

from bide.lab.recorded import Peer, PendingJob


def _wait(job: PendingJob) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        ended = request.method == "GET" and job.poll()
        status = "succeeded" if ended else "starting"
        return httpx.Response(200, json={"id": "job", "model": "a/b", "version": "1", "status": status})

    client = Client("none", transport=httpx.MockTransport(answer))
    client.predictions.create(version="1", input={}).wait()


PEERS = (Peer("replicate", "prediction.wait()", _wait),)
