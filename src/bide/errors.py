"""
Everything that bide raises.

::

    BideError
    ├── ConfigError                   a value, a file or a name that cannot be used; also a ValueError
    ├── TokenError                    a token from which no wait can be resumed; also a ValueError
    ├── StrategyError                 a strategy answered something that is no delay
    ├── RequestError                  one request got no usable answer; another may
    │   └── RequestRefused *          … and repeating it will not help (400, 401, 403 …)
    │       └── JobNotFound *         … because there is no such job (404, 410)
    └── WaitError                     a wait ended, and not with a completed job
        ├── JobFailed                 the job itself ended as ``error``
        ├── JobCancelled              the job itself ended as ``cancelled``
        ├── WaitTimeout               the deadline passed; also a TimeoutError
        ├── AttemptsExhausted         the limit of calls was reached
        ├── PollsFailed               too many polls in a row failed, or one that is fatal
        ├── WaitCancelled             somebody cancelled the wait; the job goes on
        └── RequestRefused *          (one and the same class: a refusal ends a wait)

A RequestError says nothing about the job. Only a WaitError ends a wait.
"""

from __future__ import annotations

import difflib
import reprlib
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from attrs import evolve, frozen

if TYPE_CHECKING:
    from bide.outcome import Outcome
    from bide.strategy import Observation

_CAUSES = 100
"""How far back the causes of a failure are followed."""


class BideError(Exception):
    """The root of all errors of bide."""


@frozen
class Problem:
    """
    One thing that is wrong in a configuration.

    Args:
        rule: what is wrong and what is allowed, as a clause: ``must be > 0 seconds, got -1``.
        path: where it stands, from the top: ``("strategy", "base")``; empty for the whole.
        source: the file, the environment variable or the option that held it, if any.
    """

    rule: str
    path: tuple[str, ...] = ()
    source: str | None = None

    def __str__(self) -> str:
        place = ".".join(self.path).replace(".[", "[")
        return ": ".join(part for part in (self.source, place, self.rule) if part)


class ConfigError(BideError, ValueError):
    """A value, a file or a name that cannot be used; `problems` lists everything that was found."""

    def __init__(self, problems: str | Problem | Iterable[Problem]) -> None:
        """Take one problem, as text or as a value, or several."""
        if isinstance(problems, str):
            problems = Problem(problems)
        self.problems = (problems,) if isinstance(problems, Problem) else tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))

    def __reduce__(self) -> tuple[type[ConfigError], tuple[tuple[Problem, ...]]]:
        return type(self), (self.problems,)

    def inside(self, *path: str, source: str | None = None) -> ConfigError:
        """
        Return the same error as seen from further out: with a path, or a source, before each place.

        A problem that has a source keeps it, and its place there: it lies in a file that another one names.
        """
        return ConfigError(
            evolve(p, path=(*path, *p.path), source=source) if p.source is None else p for p in self.problems
        )


class _Short(reprlib.Repr):
    """Cuts what is long, after it has hidden what must not be shown."""

    def __init__(self, hide: Callable[[str], str] | None = None) -> None:
        super().__init__()
        self.maxstring = self.maxother = 80
        self._hide = hide

    def repr_str(self, x: str, level: int) -> str:
        return super().repr_str(x if self._hide is None else self._hide(x), level)


_SHORT = _Short()


def shown(value: object, hide: Callable[[str], str] | None = None) -> str:
    """
    Return a value as a message may show it: short, shallow and printable, whatever it is.

    Args:
        value: any.
        hide: takes out of each text in it what must not be shown, before the text is cut.
    """
    try:
        return (_SHORT if hide is None else _Short(hide)).repr(value)
    except ValueError:  # an int of thousands of digits
        return "a number of thousands of digits"


def printable(text: str, most: int = 500) -> str:
    """Return a text as one line of at most so many characters, with escapes for what cannot be seen."""
    safe = "".join(char if char.isprintable() else repr(char)[1:-1] for char in text[:most])
    return safe if len(safe) <= most and len(text) <= most else f"{safe[:most]}…"


_FEW = 12
"""So many names are listed beside the likeliest one."""


def nearest(word: str, known: Iterable[str]) -> str:
    """Return the end of a sentence about an unknown word: its likeliest spelling, what there is, or both."""
    known = sorted(known)
    close = difflib.get_close_matches(word, known, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    return hint if hint and len(known) > _FEW else f"{hint} (known: {', '.join(known) or 'none'})"


def causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and all that led to it, the members of groups included; each of them once."""
    waiting, seen = [error], set[int]()
    while waiting:
        one = waiting.pop()
        if id(one) in seen:  # some errors are causes of themselves
            continue
        seen.add(id(one))
        yield one
        before = one.__cause__ or one.__context__  # httpcore hides what its errors come of, but keeps it
        waiting += [] if before is None else [before]
        waiting += one.exceptions if isinstance(one, BaseExceptionGroup) else ()


class TokenError(BideError, ValueError):
    """A token from which no wait can be resumed: damaged, of a later version, or none at all."""


class StrategyError(BideError):
    """A strategy answered something that is no delay: it breaks the laws of `bide.strategy`."""


class RequestError(BideError):
    """
    One request got no usable answer: no connection, a timeout, 429, 5xx, or an unreadable body.

    It says nothing about the job. A poll function raises it to say: this look failed, another may succeed.

    Args:
        message: what happened, in a clause.
        hint: seconds that the server asks to be left alone, if it said so.
        status: the code of the HTTP answer, if there was one.
    """

    def __init__(self, message: str, *, hint: float | None = None, status: int | None = None) -> None:
        """Keep hint and code; and of the message, which may quote a server, what fits a line or two."""
        super().__init__(printable(message))
        self.hint = hint
        self.status = status


class WaitError(BideError):
    """A wait ended, and not with a completed job; `outcome` tells how far it had come."""

    outcome: Outcome | None = None

    @property
    def observation(self) -> Observation | None:
        """What the last answered poll saw."""
        return self.outcome.observation if self.outcome is not None else None

    @property
    def calls(self) -> int:
        """How many polls were made."""
        return self.outcome.calls if self.outcome is not None else 0

    @property
    def elapsed(self) -> float:
        """Seconds from the start of the wait to its end."""
        return self.outcome.elapsed if self.outcome is not None else 0.0

    @property
    def failures(self) -> tuple[RequestError, ...]:
        """Why polls failed: the last ten."""
        return self.outcome.failures if self.outcome is not None else ()

    @property
    def token(self) -> str | None:
        """From which `bide.Wait.resume` goes on; None if the job has ended."""
        return self.outcome.token if self.outcome is not None else None


class JobFailed(WaitError):
    """The job itself ended as ``error``."""


class JobCancelled(WaitError):
    """The job itself ended as ``cancelled``."""


class WaitTimeout(WaitError, TimeoutError):
    """The deadline passed, and the job was still pending when looked at there."""


class AttemptsExhausted(WaitError):
    """The limit of calls was reached, and the job was still pending."""


class PollsFailed(WaitError):
    """Too many polls in a row failed, or one that is fatal; `__cause__` is the failure of the last."""


class WaitCancelled(WaitError):
    """Somebody cancelled the wait; the job goes on, and so can another wait from the `token`."""


class RequestRefused(RequestError, WaitError):
    """The server understood the request and will not answer it: any 4xx that time does not mend."""


class JobNotFound(RequestRefused):
    """There is no such job (404), or no longer (410)."""


def forget_frames(error: BaseException | None) -> None:
    """Drop the tracebacks of a failure: a wait that goes on would keep alive all that its request held."""
    for _ in range(_CAUSES):  # some errors are causes of themselves
        if error is None:
            break
        error.__traceback__ = None
        error = error.__cause__ or error.__context__
