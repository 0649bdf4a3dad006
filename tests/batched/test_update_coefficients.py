"""The coefficients that are worked out ahead are those of each update by itself."""

from __future__ import annotations

import pytest
import torch
from torch.optim import SGD, Adam, Optimizer

from lrscope.batched.model.numbers import Numbers, to_device
from lrscope.batched.model.update_coefficients import MOST_AHEAD, Columns
from lrscope.batched.model.update_rules import RULES

RATES = [1e-3, 0.1, 3.0]
WEIGHTS = torch.zeros(3, 4, dtype=torch.float64)


def _numbers(make: type[Optimizer], **options: float) -> Numbers:
    made = [make([torch.nn.Parameter(torch.zeros(1))], lr=rate, **options) for rate in RATES]  # type: ignore[call-arg]
    return Numbers([optimizer.param_groups[0] for optimizer in made], RULES[make].flags)


def _same(found: dict[str, torch.Tensor], make: type[Optimizer], numbers: Numbers, step: int) -> bool:
    wanted = to_device(RULES[make].coefficients(numbers, step), WEIGHTS)
    return found.keys() == wanted.keys() and all(torch.equal(found[name], wanted[name]) for name in wanted)


@pytest.mark.parametrize(("make", "options"), [(Adam, {}), (SGD, {"momentum": 0.9}), (SGD, {})])
def test_every_update_reads_its_own_columns(make, options):
    numbers = _numbers(make, **options)
    columns = Columns(RULES[make], numbers, WEIGHTS)
    assert all(_same(columns.at(step), make, numbers, step) for step in range(1, 4 * MOST_AHEAD))


def test_a_rate_that_moves_is_followed_at_once():
    numbers = _numbers(Adam)
    columns = Columns(RULES[Adam], numbers, WEIGHTS)
    for step in range(1, 50):
        assert _same(columns.at(step), Adam, numbers, step)
        if step % 7 == 0:
            numbers.refresh([rate * step for rate in RATES])
            columns.moved()


def test_a_run_that_goes_on_may_begin_anywhere():
    numbers = _numbers(Adam)
    assert _same(Columns(RULES[Adam], numbers, WEIGHTS).at(1234), Adam, numbers, 1234)
