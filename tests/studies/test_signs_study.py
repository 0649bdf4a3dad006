"""Study 4 in short. The long form (five seeds, 60 epochs) runs with LRSCOPE_LONG_STUDIES=1."""

from __future__ import annotations

import math
import os

import pytest
from command import Command, train

from real_signs import FOLDER, needs_signs

CHANCE = 1 / 6
LN6 = math.log(6)


def one_number(accuracy: float) -> bool:
    """Whether it is 1/6 as far as float32 can say: 180 of 1,080."""
    return abs(accuracy - CHANCE) < 1e-7


@pytest.fixture(scope="module")
def signs(tmp_path_factory) -> Command:
    folder = tmp_path_factory.mktemp("signs")
    return train(folder, "experiment=signs", "lr=1,0.01,0.0001", "seed=12", "epochs=8", LRSCOPE_SIGNS=str(FOLDER))


class TestRealFiles:
    pytestmark = needs_signs

    def test_the_network_is_the_published_one(self, signs):
        assert signs.code == 0, signs.output
        for member in signs.members():
            assert member.params["model.hidden"] == "[25, 12]" and member.params["model.init"] == "xavier"
            assert len(member.curve("train/loss")) == 8 * 34

    @pytest.mark.parametrize("lr", ["1.0", "0.01"])
    def test_high_rates_sit_at_one_sixth(self, signs, lr):
        member = signs.member(lr=lr)
        assert one_number(member.last("train/acc")) and one_number(member.last("val/acc"))
        assert member.verdict == "collapsed"

    def test_the_loss_of_a_constant_answer(self, signs):
        """Mean over examples, the last batch of 24 at its weight: ln 6 at 0.01, above it where Adam still kicks."""
        assert signs.member(lr="0.01").last("train/loss_epoch") == pytest.approx(LN6, abs=0.01)
        assert 1.80 < signs.member(lr="1.0").last("train/loss_epoch") < 1.95

    def test_the_low_rate_learns(self, signs):
        member = signs.member(lr="0.0001")
        losses = member.values("train/loss_epoch")
        assert losses[-1] < losses[0] - 0.05 and member.last("train/acc") > 0.25

    @pytest.mark.skipif(not os.environ.get("LRSCOPE_LONG_STUDIES"), reason="minutes; set LRSCOPE_LONG_STUDIES=1")
    @pytest.mark.timeout(3600)
    def test_the_whole_study(self, tmp_path):
        command = train(tmp_path, "experiment=signs", timeout=3500, LRSCOPE_SIGNS=str(FOLDER))
        assert command.code == 0 and len(command.members()) == 20
        for member in [*command.members(lr="1.0"), *command.members(lr="0.01")]:
            assert one_number(member.last("train/acc")) and one_number(member.last("val/acc"))
        for member in command.members(lr="0.01"):
            assert member.last("train/loss_epoch") == pytest.approx(LN6, abs=0.01)
        for member in command.members(lr="1.0"):
            assert 1.80 < member.last("train/loss_epoch") < 1.95
        assert all(member.last("train/acc") > 0.3 for member in command.members(lr="0.0001"))


def test_without_the_files_nothing_is_trained(tmp_path):
    """Exit 2, every way out named, no run left behind, nothing put in the files' place."""
    command = train(tmp_path, "experiment=signs", LRSCOPE_SIGNS=str(tmp_path / "nowhere"))
    assert command.code == 2, command.output
    words = " ".join(command.output.split())
    assert "train_signs.h5 is missing" in words
    assert f"looked for {tmp_path}/nowhere/train_signs.h5" in words
    assert f"Put train_signs.h5 and test_signs.h5 into {tmp_path}/nowhere" in words
    assert "python train.py experiment=signs dataset=fingers" in words
    assert "Traceback" not in command.output
    assert not (tmp_path / "mlflow.db").exists() or not command.runs()


def test_the_drawn_hands_are_a_study_of_their_own(tmp_path):
    """What holds on the drawings: rate 1 gives the constant answer there too; the runs are filed under fingers."""
    command = train(tmp_path, "experiment=signs", "dataset=fingers", "lr=1", "seed=0", "epochs=3")
    assert command.code == 0, command.output
    member = command.member()
    assert member.params["dataset.name"] == "fingers"
    assert one_number(member.last("train/acc")) and member.last("train/loss_eval") > LN6 - 1e-4
    experiment = command.client.get_experiment(member.run.info.experiment_id)
    assert experiment.name == "fingers"
