"""Trials: disturb a real command, put it right with what the user is told to do, compare with the undisturbed twin."""

from __future__ import annotations

import random
import shutil
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lrscope.tracking.journal.events import Ended
from lrscope.tracking.journal.journal import Journal
from servers import Proxy, Server
from torture.commands import KINDS, Done, Place, finish, start, sync, train, wait_until_training
from torture.twins import Differences, compare

SIGNALS = {"kill -9": signal.SIGKILL, "SIGTERM": signal.SIGTERM, "Ctrl-C": signal.SIGINT}
EXPECTED_CODE = {signal.SIGKILL: -signal.SIGKILL, signal.SIGTERM: 143, signal.SIGINT: 130}
MOST_RESUMES = 4


@dataclass(frozen=True)
class Trial:
    """One disturbed command: what was done to it, and what came of it."""

    kind: str
    fault: str
    hit: bool
    """Whether the fault came while the command was at work; one that had ended already shows nothing."""
    differences: Differences
    output: str

    @property
    def passed(self) -> bool:
        return self.differences.none


class Campaign:
    """Trials against twins that are trained once for each way of training.

    Args:
        folder: everything happens below it.
        seed: of the moments at which faults strike.
        database: an initialised empty store to start from; None makes each anew, which costs seconds.
    """

    def __init__(self, folder: Path, seed: int, database: Path | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.random = random.Random(seed)
        self.database = database
        self._twins: dict[str, Twin] = {}
        self._trials = 0

    def kill(self, kind: str, fault: str, times: int = 1) -> Trial:
        """Send a signal at a random moment of training, ``times`` times over, resuming in between and at the end."""
        place, twin, number = self._place(), self.twin(kind), SIGNALS[fault]
        output, hits = "", 0
        for _ in range(times):
            done = self._strike(place, kind, number, twin.training_seconds, resumed=hits > 0)
            output += done.output
            hits += done.code == EXPECTED_CODE[number]
        output += self._put_right(place, kind)
        return Trial(kind, fault, hits > 0, compare(place.store, twin.place.store), output)

    def tear(self, kind: str, what: str) -> Trial:
        """Kill, then damage the last checkpoint, or leave half a line at the end of each journal; resume."""
        place, twin = self._place(), self.twin(kind)
        done = self._strike(place, kind, signal.SIGKILL, twin.training_seconds, resumed=False)
        torn = sum(_tear(path, self.random) for path in _damageable(place, what))
        output = done.output + self._put_right(place, kind)
        return Trial(kind, f"torn {what}", torn > 0, compare(place.store, twin.place.store), output)

    def outage(self, kind: str, server: Server, mode: str) -> Trial:
        """Let the server be away, or fail, from a random moment of training for a random time; then sync."""
        twin = self.twin(kind)
        proxy = Proxy(server.port)
        self._trials += 1
        experiment = f"outage-{self.random.randrange(10**9)}"
        place = Place(self.folder / f"trial-{self._trials}", proxy.uri)
        place.folder.mkdir(parents=True)
        try:
            process = start(place, *KINDS[kind], f"experiment_name={experiment}", "tracking.finish_timeout_s=4")
            wait_until_training(place, process)
            time.sleep(self.random.uniform(0, twin.training_seconds))
            hit = process.returncode is None
            proxy.mode = mode
            timer = threading.Timer(self.random.uniform(0.5, 12), lambda: setattr(proxy, "mode", "pass"))
            timer.start()
            done = finish(process)
            timer.join()
            delivered = sync(place), sync(place)
        finally:
            proxy.close()
        output = done.output + "".join(one.output for one in delivered)
        found = compare(server.uri, twin.place.store, experiment)
        return Trial(kind, f"server: {mode}", hit, found, output)

    def twin(self, kind: str) -> Twin:
        """The same command, left alone."""
        if kind not in self._twins:
            place = self._place()
            began = time.monotonic()
            process = start(place, *KINDS[kind])
            wait_until_training(place, process)
            training = time.monotonic()
            done = finish(process)
            assert done.code == 0, f"the twin itself failed after {training - began:.0f} s:\n{done.output}"
            self._twins[kind] = Twin(place, time.monotonic() - training)
        return self._twins[kind]

    def _strike(self, place: Place, kind: str, number: int, seconds: float, resumed: bool) -> Done:
        process = start(place, *KINDS[kind], *(["resume=latest"] if resumed else []))
        wait_until_training(place, process)
        time.sleep(self.random.uniform(0, 0.7 * seconds))
        with _still_there():
            process.send_signal(number)
        return finish(process)

    def _put_right(self, place: Place, kind: str) -> str:
        """What a user does after a fault: resume; where nothing had been recorded yet, start again."""
        output = ""
        for _ in range(MOST_RESUMES):
            done = train(place, *KINDS[kind], "resume=latest")
            output += done.output
            if done.code == 2 and "no such" in done.output:
                done = train(place, *KINDS[kind])
                output += done.output
            if done.code == 0:
                break
        return output

    def _place(self) -> Place:
        self._trials += 1
        place = Place.local(self.folder / f"trial-{self._trials}")
        if self.database is not None:
            shutil.copy(self.database, place.folder / "mlflow.db")
        return place


@dataclass(frozen=True)
class Twin:
    """An undisturbed command, and how many seconds passed between its first record and its end."""

    place: Place
    training_seconds: float


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
