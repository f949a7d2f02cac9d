"""The server's loop: whoever has nothing to say is not asked, and whoever is busy does not keep it awake."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing

import pytest

from bide.server.polling import Polling


class Connection:
    """One end of a pair of sockets, as waitress shows one to its loop."""

    accepting = False

    def __init__(self, polling: Polling) -> None:
        self.ours, self.theirs = socket.socketpair()
        self.busy, self.output = False, b""
        self.read: list[bytes] = []
        self.asked = self.disturbed = 0
        polling[self.ours.fileno()] = self

    def readable(self) -> bool:
        self.asked += 1
        return not self.busy and not self.output

    def writable(self) -> bool:
        return bool(self.output)

    def handle_read_event(self) -> None:
        self.read.append(self.ours.recv(100))

    def handle_expt_event(self) -> None:
        self.disturbed += 1

    def handle_write_event(self) -> None:
        self.ours.sendall(self.output)
        self.output = b""


@pytest.fixture
def polling() -> Iterator[Polling]:
    """A loop that listens to nothing yet."""
    with closing(Polling()) as polling:
        yield polling


@pytest.fixture
def pair(polling: Polling) -> Iterator[Connection]:
    """A connection in that loop."""
    connection = Connection(polling)
    with connection.ours, connection.theirs:
        yield connection


def test_what_comes_is_read(polling: Polling, pair: Connection) -> None:
    """A connection is read when something came, again and again."""
    for text in (b"one", b"two"):
        pair.theirs.sendall(text)
        polling.turn(1.0)
    assert pair.read == [b"one", b"two"]


def test_the_silent_are_not_asked(polling: Polling, pair: Connection) -> None:
    """After its first turn a connection on which nothing happens costs nothing, until it is reviewed."""
    polling.turn(0)
    asked = pair.asked
    for _ in range(5):
        polling.turn(0)
    assert pair.asked == asked
    pair.output = b"bye"
    polling.review()
    polling.turn(0)
    assert pair.theirs.recv(100) == b"bye"


def test_the_busy_are_read_later(polling: Polling, pair: Connection) -> None:
    """What comes while a request is answered waits, is told of but once, and is read afterwards."""
    pair.theirs.sendall(b"first")
    polling.turn(0)
    pair.busy = True
    pair.theirs.sendall(b"second")
    polling.turn(1.0)
    assert not polling._selector.select(0)
    assert pair.disturbed == 1
    pair.busy = False
    polling.turn(0)
    assert pair.read == [b"first", b"second"]


def test_output_left_over_is_written(polling: Polling, pair: Connection) -> None:
    """What a thread could not send by itself is sent by the loop, and then it reads again."""
    pair.theirs.sendall(b"first")
    polling.turn(0)
    pair.output = b"answer"
    polling.turn(0)
    assert pair.theirs.recv(100) == b"answer"
    pair.theirs.sendall(b"second")
    polling.turn(0)
    polling.turn(0)
    assert pair.read == [b"first", b"second"]


def test_the_gone_are_forgotten(polling: Polling, pair: Connection) -> None:
    """A connection that was taken out is not heard any more, and its number can come again."""
    polling.turn(0)
    del polling[pair.ours.fileno()]
    pair.theirs.sendall(b"late")
    polling.turn(0)
    assert pair.read == []
    polling[pair.ours.fileno()] = pair
    polling.turn(0)
    assert pair.read == [b"late"]
