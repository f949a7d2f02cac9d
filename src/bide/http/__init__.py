"""Waiting over HTTP: what an answer says, and the client of bide's own job server."""

from bide.http.async_client import AsyncJobClient
from bide.http.async_poller import AsyncHttpPoller
from bide.http.client import JobClient
from bide.http.job import HttpJob
from bide.http.mapping import JobMapping
from bide.http.poller import HttpPoller

__all__ = ["AsyncHttpPoller", "AsyncJobClient", "HttpJob", "HttpPoller", "JobClient", "JobMapping"]
