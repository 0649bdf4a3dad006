"""A found model into MLflow's registry: ``champion`` points at it, where it is no worse than the one before."""

from __future__ import annotations

from dataclasses import dataclass, replace

from lrscope.core.errors import InputError, Problem
from lrscope.lifecycle.candidate import Candidate, candidate_of
from lrscope.lifecycle.score import TAG, Score, noise_between, worse_by
from lrscope.report.data.connect import connect
from lrscope.tracking.mlflow_store.registry import CHAMPION, Version, add_version, check_name, crown, version_at

DATA, SWEEP, VERDICT, METRIC = "lrscope.dataset_digest", "lrscope.sweep", "lrscope.verdict", "lrscope.metric"


@dataclass(frozen=True)
class Registered:
    """What was registered. ``before``: the champion until then, None where there was none or it is the same."""

    name: str
    version: Version
    candidate: Candidate
    before: Version | None
    overruled: str = ""
    """What would have spoken against it, had it not been forced."""
    caution: str = ""


def register(word: str, name: str, uri: str | None, force: bool = False) -> Registered:
    """Register the model of a run, or of the recommended member of a sweep.

    Args:
        word: id of a sweep, a member or a lone run, or its beginning.
        name: of the registered model; it is made where missing.
        uri: of the store; None as for a run.
        force: registers a failed run, and one that is worse than the champion.

    Raises:
        InputError: no such run, no model; a failed run, or one that is worse than the champion beyond noise.
    """
    check_name(name)
    client = connect(uri)
    candidate = candidate_of(client, word)
    if candidate.model_id is None:
        rule = f"the run {candidate.member.name} has left no model"
        remedy = "Train it with tracking.log_model=all, or give the id of a run that has one."
        raise InputError(Problem("register", candidate.member.run_id, rule, remedy))
    before = version_at(client, name, CHAMPION)
    same = before is not None and before.source == f"models:/{candidate.model_id}"
    against = candidate.refusal or (_worse(candidate, before) if before is not None and not same else None)
    if against is not None and not force:
        rule = f"{candidate.member.name} {against}"
        raise InputError(Problem("register", candidate.member.run_id, rule, "Nothing was registered. --force does it."))
    version = add_version(
        client, name, candidate.model_id, candidate.member.run_id, _tags(candidate), _words(candidate)
    )
    crown(client, name, version)
    done = Registered(name, version, candidate, None if same else before, against or "")
    other_data = done.before is not None and done.before.tags.get(DATA, "") != candidate.data
    caution = "it trained on other data than the champion before it: their numbers are of different examples"
    return replace(done, caution=caution) if other_data else done


def _worse(candidate: Candidate, before: Version) -> str | None:
    """Words for a champion that is better, or that cannot be compared with."""
    champion = f"today's champion (version {before.number})"
    old, new = Score.from_json(before.tags.get(TAG)), candidate.score
    if old is None or new is None:
        lacking = champion if old is None else "this run"
        return f"cannot be compared with {champion}: {lacking} has no score"
    if (old.metric, old.rises) != (new.metric, new.rises):
        return f"is judged by {new.metric}, {champion} by {old.metric}: they cannot be compared"
    noise, source = noise_between(new, old)
    if worse_by(new, old) <= noise:
        return None
    return f"is worse than {champion}: {new}, not {old}; the difference is beyond noise ({noise:.2g}, {source})"


def _tags(candidate: Candidate) -> dict[str, str]:
    verdict = candidate.member.outcome
    tags = {VERDICT: verdict, SWEEP: candidate.sweep, DATA: candidate.data}
    if candidate.score is not None:
        tags |= {METRIC: str(candidate.score), TAG: candidate.score.to_json()}
    return {key: value for key, value in tags.items() if value}


def _words(candidate: Candidate) -> str:
    measured = f", {candidate.score}" if candidate.score is not None else ""
    came = f" of the sweep {candidate.sweep}" if candidate.sweep else ""
    return f"{candidate.member.name}{came}: {candidate.member.outcome}{measured}"
