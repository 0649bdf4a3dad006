"""What the members were found to be held back by is told of the sweep, as each was judged with all its curves."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities import RunTag

from lrscope.core.verdict import Cause, Diagnosis, Evidence, Finding, Verdict
from lrscope.diagnosis.verdict_tags import DIAGNOSIS, verdict_tags
from lrscope.report.analysis.comparison import compare
from lrscope.report.analysis.recommend import recommend
from lrscope.report.data.collect import collect_sweep
from stored_sweeps import store_sweep, train

CLIPPED = Finding(
    Verdict.TOO_SLOW,
    "the loss still falls; the gradient was clipped at 0.0001 (norm) in 100% of the measured steps",
    "raise trainer.gradient_clip_val to about 1.6 or leave it out (it is not the rate)",
    (Evidence("fall", 0.4, 0.05),),
    causes=(Cause("clipping", "the gradient was clipped at every step", "raise trainer.gradient_clip_val to 1.6"),),
)
FLAT = replace(
    CLIPPED,
    verdict=Verdict.COLLAPSED,
    advice="scale the inputs to around 1 (it is not the rate)",
    causes=(Cause("flat units", "97% of the units were flat", "scale the inputs to around 1"),),
)


def test_a_diagnosis_comes_back_from_its_tag_whole() -> None:
    told = Diagnosis((CLIPPED, replace(FLAT, certainty="weak", rate=0.3, otherwise="train longer", evidence=())))
    assert Diagnosis.from_json(verdict_tags(told)[DIAGNOSIS]) == told


def test_what_is_too_long_for_a_tag_keeps_its_first_finding() -> None:
    told = Diagnosis((CLIPPED, replace(FLAT, why="w" * 9000)))
    assert Diagnosis.from_json(verdict_tags(told)[DIAGNOSIS]).findings == (CLIPPED,)
    longest = Diagnosis((replace(CLIPPED, why="w" * 9000),))
    assert Diagnosis.from_json(verdict_tags(longest)[DIAGNOSIS]).primary.causes == CLIPPED.causes


@pytest.mark.parametrize("text", ["", "3", "[1]", "[{}]", '{"findings": 1}', '[{"verdict": "well", "evidence": []}]'])
def test_what_is_no_diagnosis_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        Diagnosis.from_json(text)


@pytest.mark.parametrize(
    ("found", "verdict", "told"), [(CLIPPED, "too slow", "gradient_clip_val"), (FLAT, "collapsed", "scale the inputs")]
)
def test_a_report_says_what_its_members_were_found_to_be_held_back_by(
    tmp_path: Path, found: Finding, verdict: str, told: str
) -> None:
    """No curve that a report reads shows it: the gradients' norms stay in the store, the facts in the tags."""
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    trained = [replace(train(rate, 0, 3), verdict=verdict) for rate in (0.001, 0.01)]
    parent, members = store_sweep(uri, trained)
    client = MlflowClient(tracking_uri=uri)
    for member in members:
        client.log_batch(member, tags=[RunTag(DIAGNOSIS, Diagnosis((found,)).to_json())])
    (recommendation,) = recommend(compare((collect_sweep(uri, parent),)))
    words = " ".join((*recommendation.sentences, *recommendation.warnings))
    assert told in words
    assert "higher rate" not in words and not recommendation.commands, "no other rate mends it"
    client.log_batch(members[0], tags=[RunTag(DIAGNOSIS, "{")])
    client.log_batch(members[1], tags=[RunTag("lrscope.verdict", "trained")])
    again = collect_sweep(uri, parent)
    assert [member.finding for member in again.members] == [None, None], "unreadable, or not of this verdict"
