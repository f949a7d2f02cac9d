"""Waiting over HTTP: what an answer says, and the client of bide's own job server."""

from bide.http.client import AsyncJobClient, JobClient
from bide.http.job import HttpJob
from bide.http.mapping import JobMapping
from bide.http.poller import AsyncHttpPoller, HttpPoller

__all__ = ["AsyncHttpPoller", "AsyncJobClient", "HttpJob", "HttpPoller", "JobClient", "JobMapping"]
