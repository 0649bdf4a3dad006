"""A few faults of each sort, the same ones every time; `make torture` does hundreds."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from torture.campaign import Campaign


@pytest.fixture(scope="module")
def campaign(tmp_path_factory: pytest.TempPathFactory, fresh_database: Path) -> Campaign:
    return Campaign(tmp_path_factory.mktemp("torture"), database=fresh_database)


@pytest.mark.parametrize(
    ("way", "which", "whole"),
    [
        pytest.param("single", "after checkpoint middle", True, marks=pytest.mark.long),
        ("module", "after checkpoint middle", True),
        ("batched", "after rename first", True),  # of one member; the others have none yet
        ("searched singly", "after rung middle", True),  # what the others came to is in the store alone
        ("batched", "before upload middle", False),  # the service dies, and another takes over
    ],
)
def test_killed_where_it_writes_and_resumed_is_as_if_never_killed(
    campaign: Campaign, way: str, which: str, whole: bool
) -> None:
    trial = campaign.fail(way, which, random.Random(7), whole=whole, again=False)
    assert trial.hit, trial.output
    assert trial.passed, f"{trial.differences}\n{trial.output}"


@pytest.mark.parametrize("way", ["batched", "module"])
def test_stopped_by_a_signal_and_resumed_is_as_if_never_stopped(campaign: Campaign, way: str) -> None:
    trial = campaign.kill(way, "Ctrl-C", random.Random(7))
    assert trial.passed, f"{trial.differences}\n{trial.output}"


def test_torn_checkpoint_falls_back_to_the_one_before(campaign: Campaign) -> None:
    trial = campaign.tear("single", "checkpoint", random.Random(7))
    assert trial.passed, f"{trial.differences}\n{trial.output}"
