"""
Requests that no route ever sees: what is no HTTP, or too large, is refused with a problem document.

waitress refuses them in plain text; it lets a few pass that RFC 9112 has refused, and at a few more it fails,
which closes the connection without an answer.
"""

from __future__ import annotations

import re
from typing import Any

import falcon
from waitress.parser import HTTPRequestParser, ParsingError  # type: ignore[import-untyped]
from waitress.task import ErrorTask  # type: ignore[import-untyped]
from waitress.utilities import BadRequest, Error  # type: ignore[import-untyped]

from bide.server.problems import MEDIA_TYPE, encoded_problem

_LONGEST_DETAIL = 200  # characters: waitress quotes whole lines
# A name, or an IPv6 address, and a port; no comma: that is how waitress joins two.
_HOST = re.compile(r"(?:[\w.~!$&'()*+;=%-]*|\[[0-9a-fA-F:.]+\])(?::\d{0,5})?", re.ASCII)


_NO_LINE = re.compile(rb"(?<!\r)\n|\r[^\n]|[\0-\x08\x0b\x0c\x0e-\x1f\x7f]")
_LINES = "a line must end with CR and LF, and hold no control characters"


class _VersionNotSupported(Error):  # type: ignore[misc]
    code = 505
    reason = "HTTP Version Not Supported"


class Parser(HTTPRequestParser):  # type: ignore[misc]
    """Reads one request."""

    error: Any  # waitress says no more
    completed: bool
    headers: Any

    def received(self, data: bytes) -> int:
        """Take what came, and return how much of it belongs to this request."""
        taken = int(super().received(data))
        # Else waitress would wait for the end of a head that ends in its own way, or is TLS.
        if not self.completed and not self.headers_finished and _NO_LINE.search(self.header_plus):
            self.error, self.completed = BadRequest(_LINES), True
        return taken

    def parse_header(self, header_plus: bytes) -> None:
        """
        Read all that comes before the body.

        Raises:
            ParsingError: it is no HTTP, or says of the body's length two things, or nothing of the host.
        """
        try:
            super().parse_header(header_plus)
        except ValueError as error:  # a length of five thousand digits, a bracket that nothing closes
            raise ParsingError(str(error)) from None
        options = self.headers.get("CONNECTION", "")
        if "," in options and "close" in {option.strip().lower() for option in options.split(",")}:
            self.headers["CONNECTION"] = "close"  # waitress knows it only where it stands alone
        rule = self._broken_rule()
        if rule:
            raise ParsingError(rule)
        if self.version and not self.version.startswith("1."):
            self.error = _VersionNotSupported(f"this server speaks HTTP/1.1, not HTTP/{self.version}")
            self.body_rcv, self.content_length = None, 0  # nobody knows what follows

    def _broken_rule(self) -> str:
        """
        Return the rule of HTTP that the headers break, if any.

        Source: RFC 9112, sections 3.2 (Host) and 6.1 (Transfer-Encoding; two lengths are how requests are
        smuggled).
        """
        if self.chunked and "CONTENT_LENGTH" in self.headers:
            return "a request must not have both Content-Length and Transfer-Encoding"
        if "TRANSFER_ENCODING" in self.headers:  # left there, it went unheeded
            return "Transfer-Encoding needs HTTP/1.1"
        if self.version == "1.1" and not _HOST.fullmatch(self.headers.get("HOST", ",")):
            return "a request must have one Host, and nothing else in it"
        return ""


class Refusal(ErrorTask):  # type: ignore[misc]
    """Answers a request that could not be read."""

    request: Any  # waitress says no more
    channel: Any

    def execute(self) -> None:
        """Write the answer, and close: where the next request begins, nobody knows."""
        error = self.request.error
        detail = str(error.body)[:_LONGEST_DETAIL]
        body = encoded_problem(falcon.HTTPError(error.code, description=detail))
        self.status = f"{error.code} {error.reason}"
        self.response_headers = [("Content-Type", MEDIA_TYPE)]
        self.set_close_on_finish()
        self.content_length = len(body)
        self.channel.server.note_refusal(self.channel.addr[0], error.code)
        self.write(body)
