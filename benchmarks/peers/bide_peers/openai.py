"""
openai, its two ways to poll: vector stores, like most, every second; and files, every 5 s for 30 min.

The answers are made up in place of its HTTP transport, and give no `openai-poll-after-ms`, which would
replace the second.

Source: openai, `lib/_vector_stores.py`, `lib/_files.py`.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import httpx2
from openai import OpenAI

from bide.lab.recorded import Peer, PendingJob


def _client(job: PendingJob, pending: str, ended: str) -> Any:
    """Return a client whose every request is a look at the job."""

    def answer(_: Any) -> Any:
        return httpx2.Response(200, json={"id": "job", "status": ended if job.poll() else pending})

    http = httpx2.Client(transport=httpx2.MockTransport(answer))
    return OpenAI(api_key="none", base_url="https://openai.invalid", http_client=http)


def _vector_store(job: PendingJob) -> None:
    with _client(job, "in_progress", "completed") as client:
        client.vector_stores.files.poll("job", vector_store_id="store")


def _file(job: PendingJob) -> None:
    with _client(job, "uploaded", "processed") as client, suppress(RuntimeError):
        client.files.wait_for_processing("job")


PEERS = (
    Peer("openai", "vector_stores.files.poll()", _vector_store),
    Peer("openai", "files.wait_for_processing()", _file),
)
