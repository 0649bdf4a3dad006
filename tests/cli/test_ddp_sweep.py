"""A sweep whose members each train in two processes: the record is that of one process, and made once."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import type_command

SWEEP = ("-m", "lr=0.001,0.0001", "epochs=1", "batch_size=479", "tracking.log_model=all")
"""479 divides the 1,437 examples; the two halves of a batch differ by one example, so losses agree to a thousandth."""


pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def ways(tmp_path_factory: pytest.TempPathFactory) -> dict:
    def typed(name: str, *words: str):
        root: Path = tmp_path_factory.mktemp(name)
        done = type_command(root, *SWEEP, *words, store=True)
        assert done.code == 0, done.err
        return done

    return {
        "two": typed("two", "trainer=ddp", "trainer.devices=2", "trainer.accelerator=cpu"),
        "one": typed("one", "trainer=cpu", "sweep.together=never"),
    }


@pytest.mark.parametrize("rate", ["0.001", "0.0001"])
def test_each_member_has_one_complete_record(ways, rate):
    two, one = ways["two"], ways["one"]
    run, alone = two.run(f"lr={rate}"), one.run(f"lr={rate}")
    assert run.info.status == "FINISHED"
    assert len(two.runs()) == 3, "two members and their parent, however many processes trained them"
    assert two.curve(run, "lr").keys() == one.curve(alone, "lr").keys()
    for key in ("train/loss", "val/loss"):
        mine, other = two.curve(run, key), one.curve(alone, key)
        assert mine.keys() == other.keys()
        assert list(mine.values()) == pytest.approx(list(other.values()), rel=1e-3)
    assert run.outputs.model_outputs, "one process packs the trained model"
