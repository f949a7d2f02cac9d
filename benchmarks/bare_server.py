"""The least that a server of Falcon's on waitress can do: one constant body. ``server_load.py`` starts it."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping

import falcon
from waitress import create_server  # type: ignore[import-untyped]

from bide.server.listening import MOST_CONNECTIONS, one_core
from bide.server.runner import WHOLE


class Constant:
    """``GET /v1/jobs/{id}``, always with the same answer."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def on_get(self, req: falcon.Request, resp: falcon.Response, id: str) -> None:  # noqa: A002 - as in the route
        """Answer."""
        resp.data = self._body


def main() -> None:
    """Serve a body of as many bytes as the first argument says, on one core if the second is ``pinned``."""
    size, how = int(sys.argv[1]), sys.argv[2]
    app = falcon.App()
    app.add_route("/v1/jobs/{id}", Constant(b"x" * size))
    settings = (
        {"threads": 16, "connection_limit": MOST_CONNECTIONS, "asyncore_use_poll": True}
        if how == "pinned"
        else {}
    )
    if how == "pinned":
        with one_core():
            serve(app, settings)
    serve(app, settings)


def serve(app: object, settings: Mapping[str, object]) -> None:
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # writing its complaints would cost time
    server = create_server(app, host="127.0.0.1", port=0, **settings)
    if settings:
        server.adj.send_bytes = WHOLE
    print(f"bare is listening on http://127.0.0.1:{server.effective_port}", flush=True)
    server.run()


if __name__ == "__main__":
    main()
