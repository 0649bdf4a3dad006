"""The members of a sweep that is a search, stack by stack: which compete, and who of them leaves at a rung."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from lrscope.batched.run.members import BatchedMember
from lrscope.batched.run.stack_key import Candidate, stack_key
from lrscope.config.schema import HALVES
from lrscope.core.failpoint import failpoint
from lrscope.core.from_store import entries, whole
from lrscope.core.outcome import Outcome
from lrscope.core.pruned import Pruned
from lrscope.runs.prepare import PreparedRun
from lrscope.search.bracket import Bracket, Entrant
from lrscope.search.halving import Curve
from lrscope.search.judging.judged_curve import (
    bracket_of,
    curve_of,
    evaluations_of,
    judged_by,
    rungs_of,
    sign_of,
    trial_of,
)
from lrscope.sweeps.current import CurrentSweep

SEARCH = "lrscope.search"
"""Tag of a sweep that is a search: how its trials ranked at each rung, by bracket. A decision is written before anybody
leaves by it, so that a search that was killed goes on with the same."""


class Searches:
    """The search of a sweep; none where the sweep is no search, or one that stops nobody."""

    def __init__(self, sweep: CurrentSweep | None) -> None:
        self._sweep = sweep
        self._active = sweep is not None and bool(sweep.plan.searched) and sweep.config.search.method in HALVES
        self._runs: dict[str, list[tuple[PreparedRun, Outcome | None]]] = {}

    def enter(self, run: PreparedRun, done: Outcome | None) -> None:
        """A member of the sweep, with what an earlier command made of it."""
        if self._active:
            self._runs.setdefault(stack_key(run), []).append((run, done))

    def why_stops_nobody(self) -> str | None:
        """Why all of its trials train to the end though the worst should leave: there is no rung ahead of it."""
        for entered in self._runs.values():
            (run, _), trials = entered[0], {trial_of(run.job.varying) for run, _ in entered}
            if len(trials) > run.cfg.search.finalists and not rungs_of(run, len(trials)):
                return "no trial is stopped: all are evaluated at their end alone (evaluate_every_steps=N: before)"
        return None

    def holds(self, stack: Sequence[Candidate]) -> bool:
        """Whether a stack is judged while it trains."""
        return self._active and not stack[0].has_ended

    def pieces(self, stack: Sequence[Candidate], most: int) -> list[Sequence[Candidate]]:
        """The stack in pieces of at most so many members, each with those that it had when the search began."""
        entered = [run.local_id for run, _ in self._runs[stack_key(stack[0].run)]]
        count = -(-len(entered) // most)
        cut: list[list[Candidate]] = [[] for _ in range(count)]
        for candidate in stack:
            cut[entered.index(candidate.run.local_id) * count // len(entered)].append(candidate)
        return [piece for piece in cut if piece]

    def stops(self, piece: Sequence[Candidate], most: int) -> StopWorst:
        """What judges a piece; ``most`` as for ``pieces``."""
        assert self._sweep is not None
        entered = self._runs[stack_key(piece[0].run)]
        count = -(-len(entered) // most)
        place = [run.local_id for run, _ in entered].index(piece[0].run.local_id) * count // len(entered)
        own = [pair for number, pair in enumerate(entered) if number * count // len(entered) == place]
        return StopWorst(_brackets(own, self._sweep), lambda ranked: _write(self._sweep, ranked))


class StopWorst:
    """Judges the members of a stack at the rungs of their brackets.

    Args:
        write: keeps what was decided, before it comes true.
    """

    def __init__(self, brackets: Sequence[Bracket], write: Callable[[Mapping[str, Any]], None]) -> None:
        self._brackets = list(brackets)
        self._write = write

    def end(self, member: BatchedMember) -> None:
        """A member ends by itself."""
        for bracket in self._of(member):
            bracket.end(
                member.run.local_id, curve_of(member.run, member.recorder, True, member.live.stopped_by is not None)
            )

    def leaving(self, at: int, members: Sequence[BatchedMember]) -> dict[str, Pruned]:
        """Of the members that still train those that leave behind this epoch or evaluation (from 1, see ``Rung``), by
        their ids.
        """
        due = [bracket for bracket in self._brackets if bracket.is_rung(at)]
        seen = {m.run.local_id: curve_of(m.run, m.recorder, failed=m.live.stopped_by is not None) for m in members}
        curves = [{member: curve for member, curve in seen.items() if bracket.has(member)} for bracket in due]
        for bracket, own in zip(due, curves, strict=True):
            bracket.rank(at, own)
        if due:
            with failpoint("rung"):
                self._write({bracket.identity: bracket.ranked for bracket in self._brackets})
        found: dict[str, Pruned] = {}
        for bracket, own in zip(due, curves, strict=True):
            found |= bracket.leaving(at, own)
        return found

    def _of(self, member: BatchedMember) -> list[Bracket]:
        return [bracket for bracket in self._brackets if bracket.has(member.run.local_id)]


def _brackets(own: Sequence[tuple[PreparedRun, Outcome | None]], sweep: CurrentSweep) -> list[Bracket]:
    """Trials that differ in what is searched compete; every combination of the listed values is a search of its own."""
    groups: dict[str, list[Entrant]] = {}
    for run, done in own:
        group = bracket_of(run.job.varying, sweep.plan.searched)
        groups.setdefault(group, []).append(_entrant(run, trial_of(run.job.varying), done))
    run, earlier, made = own[0][0], _ranked_before(sweep), []
    for entrants in groups.values():
        ladder = rungs_of(run, len({entrant.trial for entrant in entrants}))
        how = ladder, evaluations_of(run), judged_by(run)
        fresh = Bracket(entrants, *how, {})
        made.append(Bracket(entrants, *how, earlier.get(fresh.identity, {})))
    return made


def _entrant(run: PreparedRun, trial: str, done: Outcome | None) -> Entrant:
    if done is None:
        return Entrant(run.local_id, trial)
    objective, sign = run.cfg.sweep.objective, sign_of(run)
    loss = sign * done.final[objective] if objective in done.final else done.final.get("train/loss_eval", math.nan)
    failed = done.status == "FAILED" or not math.isfinite(loss)
    curve = Curve(losses=(loss,), ended=True, failed=failed)
    return Entrant(run.local_id, trial, True, done.pruned is not None, curve)


def _ranked_before(sweep: CurrentSweep) -> dict[str, dict[str, list[int]]]:
    """What an earlier command decided, by bracket."""
    found = {}
    for identity, ranked in entries(sweep.earlier_tags.get(SEARCH)).items():
        if isinstance(ranked, dict):
            found[identity] = {epoch: _places(places) for epoch, places in ranked.items()}
    return found


def _places(stored: object) -> list[int]:
    found = [whole(place) for place in stored] if isinstance(stored, list) else []
    return [place if place is not None else -1 for place in found]


_decided: dict[str, dict[str, Any]] = {}
"""Of this process's stacks, by the sweep's id: one tag holds them all."""


def _write(sweep: CurrentSweep | None, ranked: Mapping[str, Any]) -> None:
    assert sweep is not None
    own = _decided.setdefault(sweep.log.local_id, _ranked_before(sweep))
    own.update(ranked)
    sweep.log.tags({SEARCH: json.dumps(own, separators=(",", ":"))})
    sweep.session.flush()
