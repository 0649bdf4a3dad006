"""Going on where an earlier command stopped: what is done is not repeated, what is unfinished continues."""

from __future__ import annotations

import copy
import json
import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from lrscope.core import from_store
from lrscope.core.errors import InputError, Problem
from lrscope.core.fingerprint import relevant
from lrscope.core.from_store import safe_join
from lrscope.core.job import Job, KnownMember
from lrscope.core.outcome import Outcome
from lrscope.core.pruned import PRUNED, Pruned

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from lrscope.runs.prepare import PreparedRun
    from lrscope.tracking import TrackingSettings
    from lrscope.tracking.find import StoredRun, StoredSweep
    from lrscope.training.checkpoint_folder import CheckpointFolder


def continued(cfg: DictConfig, job: Job, settings: TrackingSettings) -> Job:
    """The job of a lone run, with the run that ``resume=`` names as the one to go on with.

    Raises:
        InputError: there is no such run.
    """
    if cfg.resume is None:
        return job
    from lrscope.tracking.find import find_run

    deliver_what_lies_here(settings)
    found = find_run(settings, cfg.experiment_name, cfg.resume, "run")
    check_same_data([cfg], [found])
    words = explain_new("this run", cfg, [found])
    if words is not None:
        print(words.replace("new in this sweep; ", "starts anew, since it "), flush=True)
    return replace(job, continues=known_members([found]))


def known_members(runs: Iterable[StoredRun]) -> dict[str, KnownMember]:
    """By fingerprint, what a resumed command must know of the runs that are there."""
    return {
        run.fingerprint: KnownMember(
            run.local_id, run.run_id, run.done, json.dumps(asdict(_outcome(run))) if run.done else ""
        )
        for run in runs
    }


def finished_before(run: PreparedRun) -> Outcome | None:
    """The outcome of a run that an earlier call finished; None where there is something to train."""
    known = run.job.known(run.fingerprint)
    if known is None or not known.done:
        return None
    outcome = replace(Outcome.from_json(known.outcome), overrides=dict(run.job.varying), skipped=True)
    outcome.write(run.job.folder)
    return outcome


def fetch_checkpoints(run: PreparedRun, run_id: str | None, folder: CheckpointFolder) -> None:
    """Bring the checkpoints of a resumed run from the store where this machine has none of its own."""
    from lrscope.training.checkpoint_folder import LAST, PREVIOUS

    if not run.resumes or not run_id:
        return
    if any((folder.path / name).is_file() for name in (LAST, PREVIOUS)):
        return
    from lrscope.tracking.mlflow_store.fetch import fetch_artifact

    fetch_artifact(run.settings, run_id, f"checkpoints/{LAST}", safe_join(folder.path, LAST))


def explain_new(name: str, cfg: DictConfig, runs: Sequence[StoredRun]) -> str | None:
    """For a job that the resumed sweep does not know: in which keys it differs from the nearest member.

    None where some member has the same config. Keys that only repeat another (``optimizer.lr: ${lr}``) and those that
    the data decides are left out.
    """
    from omegaconf import OmegaConf

    from lrscope.runs.lifecycle import word

    raw: Any = OmegaConf.to_container(cfg, resolve=False)
    raw["epochs"] = cfg.epochs  # hangs on max_steps where nobody typed it
    mine = {
        key: word(value)
        for key, value in relevant(raw).items()
        if key not in ("steps_per_epoch", "total_steps") and not (isinstance(value, str) and "${" in value)
    }
    changes = [({key for key, value in mine.items() if run.params.get(key) != value}, run) for run in runs]
    if not changes or min(len(changed) for changed, _ in changes) == 0:
        return None
    changed, closest = min(changes, key=lambda pair: len(pair[0]))
    words = ", ".join(f"{key} {closest.params.get(key, '(unset)')} -> {mine[key]}" for key in sorted(changed))
    return f"{name}: new in this sweep; differs from {closest.name} in {words}"


def check_is_this_sweep(stored: StoredSweep, words: Sequence[str], jobs: Mapping[str, DictConfig]) -> None:
    """``latest`` goes on with the sweep that this command began. Where it was killed before it began one, that is an
    older sweep: one that has ended gets no new members by it, and none those of an altogether different command.

    Args:
        words: the command's overrides.
        jobs: the config of each job by its own overrides.

    Raises:
        InputError: it is another sweep.
    """
    new = [name for name, cfg in jobs.items() if explain_new(name, cfg, stored.members) is not None]
    ended = stored.parent.status == "FINISHED"
    another = not stored.members and tuple(words) != stored.parent.overrides
    if not another and not (new and (ended or len(new) == len(jobs))):
        return
    identity = stored.parent.run_id or stored.parent.local_id
    lacks = f"has no member {', '.join(new[:4])}" if new else "was begun by another command"
    rule = f"no such sweep: the latest, {identity},{' is finished and' if ended else ''} {lacks}"
    remedy = f"Leave resume out to begin one, or give resume={identity} to add to that."
    raise InputError(Problem("resume", "latest", rule, remedy))


def check_same_data(cfgs: Iterable[DictConfig], runs: Sequence[StoredRun]) -> None:
    """A run that is resumed goes on with the data that it began with: a file may have changed meanwhile.

    Raises:
        InputError: a run with the same config trained on other data.
    """
    from lrscope.core.fingerprint import fingerprint
    from lrscope.training import build

    stored = {run.fingerprint: digest for run in runs if (digest := _data_digest(run)) is not None}
    sources: dict[str, build.Source] = {}
    for cfg in cfgs if stored else ():
        key = repr([cfg.dataset, cfg.batch_size, cfg.trainer])
        source = sources[key] = sources.get(key) or build.source(cfg)
        filled = copy.deepcopy(cfg)
        build.fill_steps(filled, source.steps_per_epoch)
        config = build.resolved(filled)
        if not source.digest or fingerprint(config, source.digest) in stored:
            continue
        before = next((d for d in set(stored.values()) if fingerprint(config, d) in stored), None)
        if before is not None:
            place = str(cfg.dataset.get("path") or "")
            rule = f"the data has changed since the run that is resumed began (digest {before}, now {source.digest})"
            remedy = "Bring back what it was, or leave resume out to begin anew."
            raise InputError(Problem("dataset.path" if place else "dataset", place, rule, remedy))


def _data_digest(run: StoredRun) -> str | None:
    from lrscope.core.run_facts import RunFacts

    try:
        return RunFacts.from_json(run.tags.get("lrscope.facts", "{}")).data_digest
    except (ValueError, TypeError):
        return None


def deliver_what_lies_here(settings: TrackingSettings) -> None:
    """Before a resumed command asks the store: what earlier commands could not deliver goes there first."""
    if settings.mode != "online":
        return
    from lrscope.tracking.delivery.sync import sync

    for words in sync(settings).words:
        print(words, file=sys.stderr)


def _outcome(run: StoredRun) -> Outcome:
    from lrscope.runs.lifecycle import EPOCH_METRICS

    judged = (*EPOCH_METRICS, run.params.get("sweep.objective", "val/loss"))
    final = {key: run.metrics[key] for key in judged if key in run.metrics}
    return Outcome(
        name=run.name,
        local_id=run.local_id,
        run_id=run.run_id or None,
        status="FAILED" if run.status == "FAILED" else "FINISHED",
        verdict=run.tags.get("lrscope.verdict", ""),
        why=run.tags.get("lrscope.why", ""),
        lr=from_store.number(run.params.get("lr")) or math.nan,
        fingerprint=run.fingerprint,
        pruned=Pruned.from_json(run.tags.get(PRUNED)),
        steps=from_store.whole(run.tags.get("lrscope.steps")) or 0,
        seconds=from_store.finite(run.tags.get("lrscope.seconds")),
        final=final,
        best=from_store.numbers(run.tags.get("lrscope.best")),
    )
