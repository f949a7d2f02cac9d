"""Errors as problem documents (RFC 9457)."""

from __future__ import annotations

import json
import logging
from http import HTTPStatus
from typing import Any, NoReturn

import falcon

from bide.errors import ConfigError, Problem, shown

MEDIA_TYPE = "application/problem+json"

_logger = logging.getLogger(__name__)


class InvalidInput(falcon.HTTPUnprocessableEntity):
    """The body is JSON, but says something that it may not; `problems` lists what and where."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        """Keep the problems beside the text."""
        super().__init__(description="; ".join(map(str, problems)))
        self.problems = problems


class KnownMethods:
    """Refuses words that are no methods, as a middleware of Falcon, which would answer 400."""

    def process_request(self, req: falcon.Request, resp: falcon.Response) -> None:
        """
        Let known methods pass: a route that has them not says so.

        Raises:
            falcon.HTTPNotImplemented: nobody knows the method (RFC 9110, section 9.1).
        """
        if req.method not in falcon.COMBINED_METHODS:
            raise falcon.HTTPNotImplemented(description=f"unknown method {shown(req.method)}")


def handle_errors(app: falcon.App[Any, Any]) -> None:
    """Make an app answer every error with a problem document, and none with a trace."""
    app.add_middleware(KnownMethods())
    app.set_error_serializer(_serialize)
    app.add_error_handler(ConfigError, _refuse)
    app.add_error_handler(Exception, _unexpected)


def _serialize(_req: falcon.Request, resp: falcon.Response, error: falcon.HTTPError) -> None:
    resp.content_type = MEDIA_TYPE
    resp.data = encoded_problem(error)


def encoded_problem(error: falcon.HTTPError) -> bytes:
    """Return the problem document of an error."""
    # In ASCII: a lone surrogate, should one slip into a message, has no UTF-8.
    return json.dumps(_document(error)).encode("ascii")


def _document(error: falcon.HTTPError) -> dict[str, Any]:
    document: dict[str, Any] = {"type": "about:blank", "title": _title(error), "status": error.status_code}
    if error.description is not None:
        document["detail"] = error.description
    if isinstance(error, InvalidInput):
        document["errors"] = [{"detail": p.rule, "pointer": _pointer(p)} for p in error.problems]
    return document


def _title(error: falcon.HTTPError) -> str:
    try:
        return HTTPStatus(error.status_code).phrase
    except ValueError:  # a fault may have a status that nobody has registered
        return error.title


def _pointer(problem: Problem) -> str:
    """Return the place as a JSON pointer in a fragment, as in RFC 9457, section 3.2."""
    return "#" + "".join(f"/{part}" for part in problem.path)


def _refuse(
    _req: falcon.Request, _resp: falcon.Response, error: ConfigError, _params: dict[str, Any]
) -> NoReturn:
    raise InvalidInput(error.problems)


def _unexpected(
    req: falcon.Request, _resp: falcon.Response, error: Exception, _params: dict[str, Any]
) -> NoReturn:
    _logger.error("%s %s failed", req.method, req.path, exc_info=error)
    raise falcon.HTTPInternalServerError(description="the server failed; its log says why")
