"""Trials: disturb a real command, put it right with what the user is told to do, compare with the undisturbed twin."""

from __future__ import annotations

import os
import random
import shutil
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from lrscope.tracking.journal.events import Ended
from lrscope.tracking.journal.journal import Journal
from servers import Proxy, mlflow_server_on
from torture.commands import WAYS, Done, Place, finish, start, sync, train, wait_until_training
from torture.contents import runs_of
from torture.twins import Differences, Runs, compare

SIGNALS = {"kill -9": signal.SIGKILL, "SIGTERM": signal.SIGTERM, "Ctrl-C": signal.SIGINT}
EXPECTED_CODE = {signal.SIGKILL: -signal.SIGKILL, signal.SIGTERM: 143, signal.SIGINT: 130}
OUTAGES: dict[str, Callable[[Proxy], None]] = {
    "killed": lambda proxy: setattr(proxy, "mode", "refuse"),
    "hung": lambda proxy: setattr(proxy, "mode", "hang"),
    "cut": lambda proxy: setattr(proxy, "mode", "cut request"),
    "cut answer": lambda proxy: setattr(proxy, "mode", "cut answer"),
    "slow": lambda proxy: setattr(proxy, "delay_s", 1.0),
    "error": lambda proxy: _answer_with(proxy, 500),
    "another answer": lambda proxy: _answer_with(proxy, 200),
}
"""What may become of a server, and a time later no longer is."""

MOST_RESUMES = 5
COUNT_ONLY = "before nothing 0 process"
MAKES_THE_STORE = "store"


@dataclass(frozen=True)
class Trial:
    """One disturbed command: what was done to it, and what came of it."""

    way: str
    fault: str
    hit: bool
    """Whether the fault came while the command was at work; one that had ended already shows nothing."""
    differences: Differences
    output: str

    @property
    def passed(self) -> bool:
        return self.differences.none


@dataclass(frozen=True)
class Point:
    """A place of the command where a write begins or ends: the ``number``-th time that it comes by."""

    side: str
    kind: str
    number: int

    def victim(self, whole: bool) -> str:
        return f"{self.side} {self.kind} {self.number} {'group' if whole else 'process'}"


@dataclass(frozen=True)
class Twin:
    """An undisturbed command: what it left, what it came by, and how long it was between first record and end."""

    runs: Runs
    reached: tuple[str, ...]
    training_seconds: float

    @cached_property
    def counts(self) -> Counter[str]:
        return Counter(self.reached)

    def kinds(self) -> list[str]:
        return sorted({point.split(" ")[1] for point in self.counts})

    def last(self, side: str, kind: str) -> int:
        """How often it came by."""
        return self.counts[f"{side} {kind}"]

    def any_point(self, chance: random.Random) -> Point:
        """One of all, each as likely as the others."""
        at = chance.randrange(len(self.reached))
        side, kind = self.reached[at].split(" ")
        return Point(side, kind, self.reached[: at + 1].count(self.reached[at]))


class Campaign:
    """Trials against twins that are trained once for each way of training.

    Args:
        folder: everything happens below it.
        database: an initialised empty store to start from; None makes each anew, which costs seconds.
        beside: another campaign at the same time, whose twins it takes.
    """

    def __init__(self, folder: Path, database: Path | None = None, beside: Campaign | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.database = database
        self._twins: dict[str, Twin] = beside._twins if beside is not None else {}
        self._locks = beside._locks if beside is not None else {way: threading.Lock() for way in WAYS}
        self._trials = 0

    def fail(self, way: str, which: str, chance: random.Random, whole: bool, again: bool) -> Trial:
        """Kill where a write begins or ends.

        Args:
            which: ``SIDE KIND first``, ``middle`` or ``last``; ``random`` for any of all points.
            whole: kill every process of the command, as a power cut does; else the one that writes.
            again: kill the resumed command, too, at a point by chance.
        """
        twin = self.twin(way)
        point = _chosen(twin, which, chance)
        if not twin.counts[f"{point.side} {point.kind}"]:
            return Trial(way, which, hit=False, differences=Differences(), output="this way never comes by")
        if not which.endswith((" first", "random")) and point == _chosen(
            twin, f"{point.side} {point.kind} first", chance
        ):
            return Trial(way, which, hit=False, differences=Differences(), output="the same place as the first one")
        place, output, hit = self._place(point.kind != MAKES_THE_STORE), "", False
        done = train(place, *WAYS[way], failpoint=point.victim(whole))
        reached = Counter(place.reached.read_text().splitlines() if place.reached.exists() else ())
        hit = reached[f"{point.side} {point.kind}"] >= point.number
        output += f"{point}: {done.code}\n{done.output}"
        if again and done.code != 0:
            place.reached.unlink()
            second = twin.any_point(chance)
            second = Point(second.side, second.kind, 1 + second.number // 4)
            done = train(place, *WAYS[way], "resume=latest", failpoint=second.victim(whole=True))
            output += f"{second}: {done.code}\n{done.output}"
        output += self._put_right(place, way, done)
        return self._compared(place, way, f"{which}{'' if whole else ', the writer alone'}", hit, output)

    def kill(self, way: str, sign: str, chance: random.Random) -> Trial:
        """Send a signal at a random moment of training, and resume."""
        place, twin, number = self._place(), self.twin(way), SIGNALS[sign]
        done = self._strike(place, way, number, chance.uniform(0, 0.7 * twin.training_seconds))
        output = done.output + self._put_right(place, way, done)
        return self._compared(place, way, sign, done.code == EXPECTED_CODE[number], output)

    def tear(self, way: str, what: str, chance: random.Random) -> Trial:
        """Kill, then damage the last checkpoint, or leave half a line at the end of each journal; resume."""
        place, twin = self._place(), self.twin(way)
        # All processes: a worker that lived on would write behind the half line, as none does after a power cut.
        done = self._strike(place, way, signal.SIGKILL, chance.uniform(0, 0.7 * twin.training_seconds), whole=True)
        torn = sum(_tear(path, chance) for path in _damageable(place, what))
        output = done.output + self._put_right(place, way, done)
        return self._compared(place, way, f"torn {what}", torn > 0, output)

    def outage(self, way: str, mode: str, chance: random.Random) -> Trial:
        """Let the server be away, or fail, from a random moment of training for a random time; then do what is told."""
        local = self._place()
        with mlflow_server_on(local.folder, local.store) as server:
            return self._outage(
                Place(local.folder, (proxy := Proxy(server.port)).uri, local.database), proxy, way, mode, chance
            )

    def _outage(self, place: Place, proxy: Proxy, way: str, mode: str, chance: random.Random) -> Trial:
        twin = self.twin(way)
        try:
            process = start(place, *WAYS[way])
            wait_until_training(place, process)
            time.sleep(chance.uniform(0, twin.training_seconds))
            hit = process.returncode is None
            OUTAGES[mode](proxy)
            timer = threading.Timer(chance.uniform(0.5, 6), _all_well, [proxy])
            timer.start()
            done = finish(process)
            timer.join()
            output = done.output + "".join(one.output for one in (sync(place), sync(place)))
            if done.code != 0 or "no report yet" in done.output:
                output += self._put_right(place, way, Done(1, ""))
        finally:
            proxy.close()
        return self._compared(place, way, f"server: {mode}", hit, output)

    def twin(self, way: str) -> Twin:
        """The same command, left alone."""
        with self._locks[way]:
            if way not in self._twins:
                place = self._place()
                process = start(place, *WAYS[way], failpoint=COUNT_ONLY)
                wait_until_training(place, process)
                training = time.monotonic()
                done = finish(process)
                assert done.code == 0, f"the twin itself failed:\n{done.output}"
                runs, reached = (
                    runs_of(place.database, place.folder, place.store),
                    tuple(place.reached.read_text().splitlines()),
                )
                self._twins[way] = Twin(runs, reached, time.monotonic() - training)
        return self._twins[way]

    def _compared(self, place: Place, way: str, fault: str, hit: bool, output: str) -> Trial:
        found = compare(runs_of(place.database, place.folder, place.store), self.twin(way).runs)
        if found.none:
            shutil.rmtree(place.folder, ignore_errors=True)
        return Trial(way, fault, hit, found, f"{place.folder}\n{output}")

    def _strike(self, place: Place, way: str, number: int, after_s: float, whole: bool = False) -> Done:
        process = start(place, *WAYS[way])
        wait_until_training(place, process)
        time.sleep(after_s)
        with _still_there():
            os.killpg(process.pid, number) if whole else process.send_signal(number)
        return finish(process)

    def _put_right(self, place: Place, way: str, done: Done) -> str:
        """What a user does after a fault: resume; where nothing had been recorded yet, start again."""
        output = ""
        for _ in range(MOST_RESUMES):
            if done.code == 0:
                break
            done = train(place, *WAYS[way], "resume=latest")
            output += f"resumed: {done.code}\n{done.output}"
            if done.code == 2 and "no such" in done.output:
                done = train(place, *WAYS[way])
                output += f"started again: {done.code}\n{done.output}"
        return output

    def _place(self, with_store: bool = True) -> Place:
        self._trials += 1
        place = Place.local(self.folder / f"trial-{self._trials:05}")  # alike in length: a note folds its lines by it
        if self.database is not None and with_store:
            shutil.copy(self.database, place.database)
        return place


def _answer_with(proxy: Proxy, status: int) -> None:
    proxy.status, proxy.mode = status, "status"


def _all_well(proxy: Proxy) -> None:
    proxy.mode, proxy.delay_s = "pass", 0.0


def _chosen(twin: Twin, which: str, chance: random.Random) -> Point:
    if which == "random":
        return twin.any_point(chance)
    side, kind, occurrence = which.split(" ")
    last = max(1, twin.last(side, kind))
    return Point(side, kind, {"first": 1, "middle": (last + 1) // 2, "last": last}[occurrence])


def _damageable(place: Place, what: str) -> Iterator[Path]:
    """What a kill may have left half written: of checkpoints those of runs that had not ended. The last one of a run
    that had was on the disk, and no other holds what it holds.
    """
    for folder in (place.folder / "spool").iterdir():
        path = folder / ("checkpoints/last.ckpt" if what == "checkpoint" else "events.jsonl")
        ended = any(isinstance(event, Ended) for event in Journal(folder).milestones())
        if path.is_file() and not (what == "checkpoint" and ended):
            yield path


def _tear(path: Path, chance: random.Random) -> bool:
    """Cut a checkpoint short or flip a byte in it; to a journal, append half an event without its end."""
    if path.suffix == ".jsonl":
        with path.open("ab") as file:
            file.write(b'{"event":"points","points":[["train/loss",'[: chance.randrange(1, 42)])
        return True
    data = bytearray(path.read_bytes())
    if chance.random() < 0.5:
        data = data[: chance.randrange(len(data))]
    else:
        data[chance.randrange(len(data))] ^= 0xFF
    path.write_bytes(bytes(data))
    return True


class _still_there:
    """Signalling a process that has just ended is no fault of anybody."""

    def __enter__(self) -> None: ...

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> bool:
        return kind is not None and issubclass(kind, ProcessLookupError)
