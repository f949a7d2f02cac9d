"""What happens next: the requests of many clients, in the order of time."""

from __future__ import annotations

import random
from collections.abc import Iterator
from heapq import heappop, heappush


class Agenda:
    """
    Which client makes its next request when.

    Who comes at the same instant comes in any order; else the same clients would always be first. Only
    instants lie in the heap: those of a herd in step are few.
    """

    __slots__ = ("_chance", "_clients", "_times")

    def __init__(self, chance: random.Random) -> None:
        """Begin with no requests."""
        self._chance = chance
        self._times: list[float] = []
        self._clients: dict[float, list[int]] = {}

    def add(self, time: float, client: int) -> None:
        """Enter a client's next request."""
        clients = self._clients.get(time)
        if clients is None:
            self._clients[time] = [client]
            heappush(self._times, time)
        else:
            clients.append(client)

    def __iter__(self) -> Iterator[tuple[float, int]]:
        """Yield each request in its turn, also those that are added meanwhile."""
        while self._times:
            now = heappop(self._times)
            clients = self._clients.pop(now)
            if len(clients) > 1:
                self._chance.shuffle(clients)
            for client in clients:
                yield now, client
