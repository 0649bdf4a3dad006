"""Which steps are recorded: as many as the limits allow, the first and the last always."""

from __future__ import annotations

import pytest

from lrscope.training.recording import RecordingPlan


@pytest.mark.parametrize(
    ("steps", "losses", "signals"),
    [(1, 1, 1), (500, 1, 1), (501, 1, 2), (1000, 1, 3), (1001, 2, 3), (2250, 3, 7), (51_000, 52, 147)],
)
def test_every_nth_step(steps: int, losses: int, signals: int) -> None:
    plan = RecordingPlan.of(steps)
    assert (plan.every_loss, plan.every_signals) == (losses, signals)
    kept = [step for step in range(steps) if plan.keeps_loss(step)]
    measured = [step for step in range(steps) if plan.keeps_signals(step)]
    assert len(kept) <= 1000 and len(measured) <= 500
    assert {0, steps - 1} <= set(kept) & set(measured)


def test_the_user_may_ask_for_all() -> None:
    plan = RecordingPlan.of(5000, every_loss=1, every_signals=1)
    assert all(plan.keeps_loss(step) and plan.keeps_signals(step) for step in range(5000))
