"""What a session's process and the one that delivers for it say to each other, through one pipe."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lrscope.core.errors import LrscopeError
from lrscope.tracking.journal import events as ev

FIRST = 1
"""The number of what the process says unasked when it begins: whether the store is open."""


@dataclass(frozen=True)
class Ask:
    """Call this method of the service. The answer bears the question's number: who asked may have given up
    waiting, when a second Ctrl-C came. Number 0: nobody waits for what it returns.
    """

    method: str
    arguments: tuple[Any, ...] = ()
    number: int = 0


@dataclass(frozen=True)
class Stop:
    """End the delivery that is under way at its next batch."""


@dataclass(frozen=True)
class Postponed:
    """The event is on disk at the end of its journal."""


@dataclass(frozen=True)
class Answer:
    """What the method returned."""

    number: int
    value: Any


@dataclass(frozen=True)
class Failed:
    """What the method raised: one of lrscope's own errors as it was, any other in words."""

    number: int
    words: str
    busy: bool = False
    error: LrscopeError | None = None


@dataclass(frozen=True)
class Progressed:
    """The store has taken something."""


@dataclass(frozen=True)
class Postpone:
    """Put this event at the end of its journal; ``Postponed`` is waited for."""

    local_id: str
    event: ev.Event
