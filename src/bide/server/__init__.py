"""
The job server: a model of real long-running-job APIs, to develop and test pollers against.

It needs the extra ``server``, and nothing of bide's client side.
"""

try:
    from bide.server.app import JobServer, create_app
    from bide.server.runner import run, running
except ModuleNotFoundError as error:
    if error.name is None or error.name.partition(".")[0] not in {"falcon", "prometheus_client", "waitress"}:
        raise
    raise ImportError(
        "the job server needs falcon, waitress and prometheus-client: install bide with its extra 'server'"
    ) from error
from bide.server.config import ServerConfig, load_config
from bide.server.kinds import JobKind

__all__ = ["JobKind", "JobServer", "ServerConfig", "create_app", "load_config", "run", "running"]
