"""Waiting over HTTP: what an answer says, and the client of bide's own job server."""

from bide.http.api import JobId
from bide.http.async_client import AsyncJobClient
from bide.http.async_poller import AsyncHttpPoller
from bide.http.catalogue import find_mapping
from bide.http.client import JobClient
from bide.http.job import HttpJob
from bide.http.mapping import JobMapping
from bide.http.poller import HttpPoller
from bide.http.shape import UnknownShape

__all__ = [
    "AsyncHttpPoller",
    "AsyncJobClient",
    "HttpJob",
    "HttpPoller",
    "JobClient",
    "JobId",
    "JobMapping",
    "UnknownShape",
    "find_mapping",
]
