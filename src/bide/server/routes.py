"""Which requests are for jobs, of either wire format; all others are about the server itself."""

from __future__ import annotations

import falcon

HEALTH = "/healthz"
"""The route at which the server says that it answers."""

LOOKS = ("/v1/jobs/{id}", "/status/{id}")
"""The routes at which one job is looked at."""


def is_for_jobs(req: falcon.Request) -> bool:
    """
    Say whether a request is for jobs; at ``/`` a program creates them, and a person is shown a page.

    OPTIONS is for none: a browser sends it by itself, before a request to another origin.
    """
    route = req.uri_template
    if req.method == "OPTIONS":
        return False
    return route == "/v1/jobs" or route in LOOKS or (route == "/" and req.method == "POST")


def is_look(method: str, path: str) -> bool:
    """Say whether a request, before it is routed, will be a look at one job."""
    return method in {"GET", "HEAD"} and path.startswith(("/v1/jobs/", "/status/"))
