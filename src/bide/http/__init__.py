"""Waiting over HTTP: what an answer says, and the client of bide's own job server."""

from bide.http.client import JobClient

__all__ = ["JobClient"]
