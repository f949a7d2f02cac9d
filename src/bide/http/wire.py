"""What became of a request on its connection, as httpcore tells it while it happens."""

from __future__ import annotations

from typing import Any

from attrs import define


@define
class Wire:
    """
    How far a request has come.

    Args:
        connected: a connection was made for it, or begun.
        sent: its sending has begun, on a connection that is its own from there to its end.
        answered: the head of the answer is there.
    """

    connected: bool = False
    sent: bool = False
    answered: bool = False

    def note(self, event: str, info: dict[str, Any]) -> None:
        """Take in one event of httpcore's ``trace`` extension."""
        if event.startswith("connection.connect"):
            self.connected = True
        elif event.endswith(".send_request_headers.started") and info["request"].method != b"CONNECT":
            self.sent = True
        elif event.endswith(".receive_response_headers.complete"):
            self.answered = True

    @property
    def may_have_been_stale(self) -> bool:
        """Whether it went over a connection kept from an earlier request, and nothing came back."""
        return self.sent and not self.connected and not self.answered
