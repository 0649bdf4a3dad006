"""A few faults of each sort; `make torture` does many."""

from __future__ import annotations

from pathlib import Path

import pytest

from torture.campaign import Campaign


@pytest.fixture(scope="module")
def campaign(tmp_path_factory: pytest.TempPathFactory, fresh_database: Path) -> Campaign:
    return Campaign(tmp_path_factory.mktemp("torture"), seed=7, database=fresh_database)


@pytest.mark.parametrize(
    ("kind", "fault"), [("solo", "kill -9"), ("swept", "SIGTERM"), ("together", "Ctrl-C"), ("together", "kill -9")]
)
def test_killed_and_resumed_is_as_if_never_killed(campaign: Campaign, kind: str, fault: str) -> None:
    trial = campaign.kill(kind, fault)
    assert trial.passed, f"{trial.differences}\n{trial.output}"


def test_torn_checkpoint_falls_back_to_the_one_before(campaign: Campaign) -> None:
    trial = campaign.tear("solo", "checkpoint")
    assert trial.passed, f"{trial.differences}\n{trial.output}"
