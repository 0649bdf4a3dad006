"""A loss that cannot come near 0, by its labels or by itself, is held against what can be had of it."""

from __future__ import annotations

import numpy as np
import pytest
from curves import LN6, by_epoch, classification, run

from lrscope.core.trace import Trace
from lrscope.core.verdict import Verdict
from lrscope.diagnosis import diagnose, note

EPOCHS = np.arange(1, 41)


def settled(floor: float, of: str, left: float = 0.05, **facts: object) -> Trace:
    """Down to the floor but for a share of what there is to learn, and flat there."""
    known = classification(constant_loss=LN6, floor_loss=floor, floor_of=of, **facts)
    end = floor + left * (LN6 - floor)
    more = {"train/acc": by_epoch(np.linspace(1 / 6, 1 / 6 + 0.009, 40))}
    return run(end + (LN6 - end) * np.exp(-EPOCHS / 3), known, noise=1e-4, more=more)


@pytest.mark.parametrize(("floor", "of"), [(1.2, "loss"), (1.2, "labels"), (1.75, "loss"), (1.785, "loss")])
def test_what_came_down_to_its_floor_is_trained(floor: float, of: str) -> None:
    """At 1.785 all that there is to learn is less than 1% of a constant answer's loss."""
    found = diagnose(settled(floor, of)).primary
    assert found.verdict is Verdict.TRAINED
    assert "constant answer" not in found.why


@pytest.mark.parametrize("of", ["loss", "labels"])
def test_weight_decay_is_not_blamed_for_a_floor(of: str) -> None:
    decayed = {"weight_decay": 1.0, "optimizer": "SGD", "peak_lr": 0.01}
    assert "weight_decay" not in diagnose(settled(1.2, of, **decayed)).primary.advice
    assert "weight_decay" in diagnose(settled(1.2, of, left=0.5, **decayed)).primary.advice


@pytest.mark.parametrize(("of", "word"), [("loss", "label smoothing"), ("labels", "different targets")])
def test_a_run_that_creeps_at_its_floor_is_told_so(of: str, word: str) -> None:
    trace = settled(1.2, of, left=0.05)
    falling = {"ahead/again": by_epoch([0.0], 1200)}
    falling["ahead/again"].values[:] = trace.get("train/loss_eval").values[-1] - 0.1 * (LN6 - 1.2)
    text = note(diagnose(Trace({**trace.series, **falling}, trace.facts)), trace)
    assert "no answer gets below 1.2" in text and word in text
