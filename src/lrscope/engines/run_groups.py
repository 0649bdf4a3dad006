"""The groups of a sweep on their way through an engine: submitted, watched, retried where a worker dies, stopped."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from lrscope.core.errors import LrscopeError
from lrscope.core.outcome import Outcome
from lrscope.core.stop_signals import STOP
from lrscope.engines.engine import Engine, Handle, WorkerDied
from lrscope.engines.progress import Progress
from lrscope.engines.task import Task

LOOK_EVERY_S = 0.1


@dataclass(frozen=True)
class QueuedGroup:
    """``name`` as the terminal shows it; ``shown`` what it is made of; ``died``: how often a worker of it did."""

    name: str
    shown: str
    task: Task
    died: int = 0


@dataclass(frozen=True)
class UnderWay:
    """A group that an engine has."""

    group: QueuedGroup
    handle: Handle
    began: float


@dataclass(frozen=True)
class Ran:
    """What came of the members, by their places; and of those that no worker could train, why."""

    outcomes: dict[int, Outcome]
    failed: dict[int, LrscopeError]


def run_groups(groups: Sequence[QueuedGroup], engine: Engine, workers: int, retries: int) -> Ran:
    """Have every group trained, at most so many at one time, in their order.

    Args:
        retries: how many times a group whose worker dies is begun again, from its checkpoints.

    Returns:
        After a signal: of those that had begun.
    """
    waiting, under_way = deque(groups), list[UnderWay]()
    ran, progress = Ran({}, {}), Progress()
    withdrawn = False
    try:
        while under_way or (waiting and STOP.requested() is None):
            while waiting and len(under_way) < workers and STOP.requested() is None:
                under_way.append(_submitted(waiting.popleft(), engine, progress))
            if STOP.requested() is not None and not withdrawn:
                engine.withdraw()
                withdrawn = True
            progress.show({one.group.name: one.group.task.log for one in under_way})
            time.sleep(LOOK_EVERY_S)
            ended = [one for one in under_way if one.handle.done()]
            under_way = [one for one in under_way if one not in ended]
            for one in ended:
                again = _taken(one, ran, retries, progress)
                if again is not None:
                    waiting.appendleft(again)
    finally:
        progress.clear()
    return ran


def _submitted(group: QueuedGroup, engine: Engine, progress: Progress) -> UnderWay:
    if group.died == 0:
        progress.say(f"{group.name}: {group.shown}")
    return UnderWay(group, engine.submit(group.task, group.name), time.monotonic())


def _taken(one: UnderWay, ran: Ran, retries: int, progress: Progress) -> QueuedGroup | None:
    """Take in what a group came to; the group once more, where it is to be retried."""
    group, places = one.group, list(one.group.task.jobs)
    try:
        outcomes = one.handle.result()
        ran.outcomes.update(outcomes)
        if STOP.requested() is not None:
            return None
        if not any(place not in outcomes or outcomes[place].status == "KILLED" for place in places):
            progress.say(f"{group.name}: done after {time.monotonic() - one.began:.1f} s")
            return None
        why = "its worker was told to stop"
    except WorkerDied as error:
        why = str(error)
    except Exception as error:  # of the worker's surroundings: what a member's training raises has a record
        first = str(error).splitlines()[0] if str(error) else ""
        ran.failed.update(dict.fromkeys(places, _given_up(group, f"{type(error).__name__}: {first}", progress)))
        return None
    if STOP.requested() is not None:
        return None
    if group.died >= retries:
        times = f" for the {group.died + 1}. time" if group.died else ""
        ran.failed.update(dict.fromkeys(places, _given_up(group, f"{why}{times}", progress)))
        return None
    again = f"goes on from its checkpoints, retry {group.died + 1} of {retries}"
    progress.say(f"{group.name}: {why}; it {again} (log: {group.task.log})")
    return replace(group, task=group.task.resumed(), died=group.died + 1)


def _given_up(group: QueuedGroup, why: str, progress: Progress) -> LrscopeError:
    """Told at once; of the errors of several jobs, Hydra shows the first, at the end."""
    progress.say(f"{group.name} was given up: {why.rstrip('. ')}. Its log: {_shown(group.task.log)}")
    return LrscopeError(f"{group.name} was given up. Go on with resume=latest.")


def _shown(log: Path) -> str:
    """The file, and the last line of it that is no progress."""
    try:
        lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip() and "epoch" not in line]
    except OSError:
        return f"{log} (was not written)"
    return f"{log} ({lines[-1].strip()[:200]})" if lines else str(log)
