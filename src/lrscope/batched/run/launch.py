"""All jobs of a sweep: those that can be stacked and gain by it are trained here, the rest is left to the
launcher.
"""

from __future__ import annotations

import hashlib
import json
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice, pairwise
from typing import Any

import torch
from omegaconf import DictConfig

from lrscope.batched.model.compiled_pass import why_not
from lrscope.batched.model.stack import CannotStack
from lrscope.batched.model.stack_trial import StackTrial
from lrscope.batched.run.autotune import Autotune, choose
from lrscope.batched.run.level_positions import level_positions
from lrscope.batched.run.members import BatchedMember, make_member, restore
from lrscope.batched.run.searches import Searches
from lrscope.batched.run.stack_key import Candidate, stack_key, stacks, why_not_batched
from lrscope.batched.run.train_batched import CannotBatch, train_batched
from lrscope.batched.run.tried_stack import TriedStack, different
from lrscope.core.from_store import entries
from lrscope.core.job import Job
from lrscope.core.outcome import Outcome
from lrscope.core.stop_signals import STOP
from lrscope.runs.prepare import PreparedRun, prepare
from lrscope.runs.resume import fetch_checkpoints, finished_before
from lrscope.search.judging.judged_curve import halves
from lrscope.search.judging.stop_each import StopEach
from lrscope.sweeps.lifecycle import current
from lrscope.training import build, threads
from lrscope.training.checkpoint_folder import CheckpointFolder
from lrscope.training.checkpoint_state import COMPILED, Position
from lrscope.training.copied_network import share_frozen

CHOICES = "lrscope.together.choices"
"""Tag of a sweep: what was chosen for each of its stacks, so that a resumed sweep chooses the same."""


def train_together(jobs: Sequence[tuple[DictConfig, Job]], mode: str, cut: bool = False) -> dict[int, Outcome]:
    """Train those of a sweep's jobs that can be stacked.

    Args:
        jobs: every job's config and where its files lie.
        mode: ``sweep.together``.
        cut: whether the jobs are a part of a stack: then one that is left of it trains as a stack, too.

    Returns:
        By the place in ``jobs``: the outcomes of those trained here, and of those that an earlier call had
        finished. The others are the launcher's to run.
    """
    outcomes: dict[int, Outcome] = {}
    candidates: list[Candidate] = []
    reasons: Counter[str] = Counter()
    searches = Searches(current())
    for number, run in enumerate(prepared_runs(jobs)):
        done = finished_before(run) if run is not None else None
        if run is not None:
            searches.enter(run, done)
        if done is not None:
            outcomes[number] = done
        elif run is not None and (reason := why_not_batched(run)) is not None:
            reasons[reason] += 1
        elif run is not None:
            candidates.append(_candidate(number, run))
    for reason, count in reasons.items():
        _say(f"{_members(count)} one by one: {reason}")
    if (reason := searches.why_stops_nobody()) is not None:
        _say(reason)
    STOP.install()
    for stack in stacks(level_positions(candidates), (lambda _: True) if cut else was_stacked):
        if STOP.requested() is None:
            outcomes |= _train_stack(stack, mode, searches)
    return outcomes


def prepared_runs(jobs: Sequence[tuple[DictConfig, Job]]) -> Iterator[PreparedRun | None]:
    """Each job's run, with data that equal jobs share; None where a job cannot be prepared: it says so when it
    runs.
    """
    sources: dict[str, build.Source] = {}
    for cfg, job in jobs:
        key = repr([cfg.dataset, cfg.batch_size, cfg.trainer.limit_train_batches, cfg.trainer.accumulate_grad_batches])
        try:
            if key not in sources:
                sources[key] = build.source(cfg)
            yield prepare(cfg, job, sources[key])
        except Exception:
            yield None


def _candidate(number: int, run: PreparedRun) -> Candidate:
    """With its last checkpoint, where the run goes on from one."""
    if not run.resumes:
        return Candidate(number, run)
    folder = CheckpointFolder(run.checkpoint_folder, run.is_recorded)
    known = run.job.known(run.fingerprint)
    if known is not None:
        fetch_checkpoints(run, known.run_id, folder)
    loaded = folder.load()
    if loaded is None or not loaded.content:
        return Candidate(number, run)
    if loaded.words:
        warnings.warn(f"{run.name}: {loaded.words}", stacklevel=2)
    return Candidate(number, run, Position.of(loaded.content), loaded.content)


def _train_stack(stack: Sequence[Candidate], mode: str, searches: Searches) -> dict[int, Outcome]:
    try:
        tried = TriedStack.of(*different([candidate.run for candidate in stack]))
        reason = tried.trial.why_not()
        if reason is not None:
            _say(f"{_members(len(stack))} one by one: {reason}")
            return {}
        judged, most = searches.holds(stack), tried.fit(len(stack))
        choice = chosen(stack, tried.trial, "always" if judged else mode, most)
    except CannotStack as cannot:
        _say(f"{_members(len(stack))} one by one: {cannot}")
        return {}
    except Exception as error:  # of a user's part: whoever fails alone has a record that says so
        _say(f"{_members(len(stack))} one by one: trying them together failed ({_first_line(error)})")
        return {}
    if not choice.together:
        return {}
    outcomes: dict[int, Outcome] = {}
    each = tried.bytes_each()
    pieces = searches.pieces(stack, most) if judged else _pieces(stack, most, each, choice.most)
    for piece in pieces:
        if STOP.requested() is not None:
            break
        members = _made_members(piece)
        with threads.at(choice.threads):
            try:
                stops = searches.stops(piece, most) if judged else _stops_in_worker(piece)
                how = piece[0].position, stops, _compile_from(piece[0], choice, tried.device)
                trained = train_batched([*members.values()], *how) if members else []
            except CannotBatch as error:
                _say(f"{_members(len(piece))} one by one: they do not fit together ({_first_line(error.__cause__)})")
                continue
        outcomes |= dict(zip(members, trained, strict=True))
    return outcomes


def _compile_from(first: Candidate, choice: Autotune, device: torch.device) -> int | None:
    """As the stack's checkpoint says, or what was chosen where it starts; None where nothing is there to compile it."""
    wanted = choice.compile_from if first.content is None else first.content.get(COMPILED)
    return wanted if isinstance(wanted, int) and why_not(device) is None else None


def _stops_in_worker(piece: Sequence[Candidate]) -> StopEach | None:
    """What judges the members of a search in a worker, which knows of the others' what lies in the sweep's folder."""
    elsewhere = current() is None and halves(piece[0].run) and not piece[0].has_ended
    return StopEach(piece[0].run) if elsewhere else None


def _made_members(piece: Sequence[Candidate]) -> dict[int, BatchedMember]:
    """By number. What is frozen and the same in all is held once from the start: a body may be large."""
    members: dict[int, BatchedMember] = {}
    for candidate in piece:
        if (member := _member(candidate)) is not None:
            for first in islice(members.values(), 1):
                share_frozen(first.part.network, member.part.network)
            members[candidate.number] = member
    return members


def _member(candidate: Candidate) -> BatchedMember | None:
    """None where its checkpoint holds the state of something else: by itself it has a record that says so."""
    member = make_member(candidate.run)
    try:
        return restore(member, candidate.content) if candidate.content is not None else member
    except Exception as error:
        _say(f"{candidate.run.name} by itself: its checkpoint does not fit ({_first_line(error)})")
        return None


def _pieces(stack: Sequence[Candidate], most: int, each: int, chosen: int | None) -> list[Sequence[Candidate]]:
    """The stack in as few pieces of about equal size as memory and time ask for; a single member is left to train
    alone.

    Args:
        most, each: members that fit into the memory, and the bytes of one.
        chosen: members of the fastest stack; None for all.
    """
    count = -(-len(stack) // min(most, chosen or most))
    if len(stack) > most and (chosen is None or most <= chosen):
        room = f"{most} fit into the memory that is free ({each / 2**20:.3g} MiB each)"
        _say(f"{len(stack)} members are split into {count} stacks: {room}")
    bounds = [len(stack) * k // count for k in range(count + 1)]
    pieces = [stack[start:stop] for start, stop in pairwise(bounds)]
    return pieces if len(stack) == 1 else [piece for piece in pieces if len(piece) > 1]


def chosen(stack: Sequence[Candidate], trial: StackTrial, mode: str, fit: int) -> Autotune:
    """What an earlier call chose for this stack, or what is faster; written on the parent run."""
    identity, earlier, sweep = _identity(stack[0]), _earlier_choices(), current()
    if mode == "auto" and identity in earlier:
        before = earlier[identity]
        together = bool(before["together"])
        words = f"{_members(len(stack))} {'together' if together else 'one by one'}, as before"
        kept = {"most": before.get("most"), "compile_from": before.get("compile_from")}
        choice = Autotune(together, words, before["threads"], **kept)
    else:
        steps = stack[0].run.plan.total_steps - stack[0].position.updates
        choice = choose(trial, len(stack), steps, mode, fit, compiling=stack[0].content is None)
    _say(f"{len(stack)} had ended: their records are completed" if stack[0].has_ended else choice.words)
    if sweep is not None:
        _written[identity] = {
            "together": choice.together,
            "threads": choice.threads,
            "members": len(stack),
            "most": choice.most,
            "compile_from": choice.compile_from,
            "step_alone_ms": choice.alone_ms,
            "step_together_ms": choice.together_ms,
        }
        sweep.log.tags({CHOICES: json.dumps({**earlier, **_written})})
    return choice


def _identity(candidate: Candidate) -> str:
    """Of the stack that a run belongs to, wherever in its training it stands."""
    return hashlib.sha256(stack_key(candidate.run).encode()).hexdigest()[:16]


def _earlier_choices() -> dict[str, dict[str, Any]]:
    """What an earlier call of this sweep chose, by stack."""
    sweep = current()
    stored = entries(sweep.earlier_tags.get(CHOICES)) if sweep is not None else {}
    return {stack: choice for stack, choice in stored.items() if isinstance(choice, dict)}


def was_stacked(candidate: Candidate) -> bool:
    """Whether an earlier call of this sweep trained it in a stack."""
    return bool(_earlier_choices().get(_identity(candidate), {}).get("together"))


_written: dict[str, dict[str, Any]] = {}
"""The choices of this process: one tag holds them all."""


def _members(count: int) -> str:
    return "1 member trains" if count == 1 else f"{count} members train"


def _first_line(error: BaseException | None) -> str:
    return f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"[:300]


def _say(words: str) -> None:
    print(words, flush=True)
