"""Judges members of a search that do not all train as one batched model: by themselves, or on several engines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from lrscope.core.failpoint import failpoint
from lrscope.core.pruned import Pruned
from lrscope.runs.prepare import PreparedRun
from lrscope.search.asynchronous import Arrival, Judge
from lrscope.search.judging.earlier_arrivals import of_earlier_commands
from lrscope.search.judging.judged_curve import (
    bracket_of,
    curve_of,
    evaluations_of,
    halves,
    judged_by,
    rungs_of,
    trial_of,
)
from lrscope.search.rung_file import RungFile
from lrscope.training.live_run import Leaves, stays
from lrscope.training.recording import RunRecorder


class Recorded(Protocol):
    """A run under way, with its record."""

    @property
    def run(self) -> PreparedRun: ...

    @property
    def recorder(self) -> RunRecorder: ...


class StopEach:
    """Judges the members of one process at their rungs against all that any process has seen.

    Args:
        run: one of them.
    """

    def __init__(self, run: PreparedRun) -> None:
        assert run.job.ledger is not None
        self._file = RungFile(run.job.ledger)
        how = run.cfg.search
        self._judge = Judge(float(how.keep), evaluations_of(run), judged_by(run))
        trials = int(how.batch if how.method == "tpe" else how.trials)
        self._rungs = {rung.at: (rung, number) for number, rung in enumerate(rungs_of(run, trials), start=1)}

    def end(self, member: Recorded) -> None:
        """A member ends by itself: its curve so far is known already."""

    def leaving(self, at: int, members: Sequence[Recorded]) -> dict[str, Pruned]:
        """Of the members those that leave behind this epoch or evaluation (from 1, see ``Rung``), by their ids."""
        if at not in self._rungs:
            return {}
        own = [arrival for member in members if (arrival := _arrival(member)).losses]
        with failpoint("rung"):
            if not self._file.path.exists() and members:
                self._file.append(of_earlier_commands(members[0].run))
            self._file.append(own)
        known = self._file.read()
        found = {arrival.member: self._judge.stops(arrival, known, *self._rungs[at]) for arrival in own}
        return {member: pruned for member, pruned in found.items() if pruned is not None}


def stop_alone(run: PreparedRun, recorder: RunRecorder) -> Leaves:
    """Of a run that trains by itself: what is asked behind each epoch or evaluation. It stays where it is no trial of a
    search that stops the worst.
    """
    if not halves(run) or run.job.ledger is None:
        return stays
    stops, member = StopEach(run), _Alone(run, recorder)
    return lambda at: stops.leaving(at, [member]).get(run.local_id)


class _Alone:
    def __init__(self, run: PreparedRun, recorder: RunRecorder) -> None:
        self.run, self.recorder = run, recorder


def _arrival(member: Recorded) -> Arrival:
    run, curve = member.run, curve_of(member.run, member.recorder)
    assert run.job.ticket is not None
    settings = run.job.varying
    words = trial_of(settings), bracket_of(settings, run.job.ticket.searched)
    return Arrival(run.local_id, *words, curve.start, tuple(curve.losses))
