"""The main test of training together: every member equals its single run for as long as it is predictable.

Equal to within roundings (``Twin.assert_near`` derives how near): a stack multiplies in other shapes than a run alone,
and how a product of one shape rounds is the processor's own affair. Equal bits are asked only of the same shapes.
"""

from __future__ import annotations

import pytest
import torch
from both_ways import OPTIMIZERS, SCHEDULERS, alone, data, member_config, together
from omegaconf import DictConfig

from lrscope.datasets.data import Data

MODELS = ["linear", "mlp", "mlp-batch-norm", "cnn", "cnn-batch-norm"]
RATES = [10 ** (k / 2) for k in range(-12, 3)]
"""1e-6 to 10."""

PRECISIONS = [torch.float64, torch.float32]


def _overrides(model: str) -> tuple[str, ...]:
    name, _, norm = model.partition("-")
    return (f"model={name}", *(["model.batch_norm=true"] if norm else []))


def _lasting(cfgs: list[DictConfig], of: Data, dtype: torch.dtype = torch.float64) -> list[int]:
    """Assert that every member is near its single run while predictable; for how many steps each was."""
    return [
        mine.assert_near(alone(cfg, of, dtype), alone(cfg, of, dtype, nudge=True))
        for cfg, mine in zip(cfgs, together(cfgs, of, dtype), strict=True)
    ]


@pytest.mark.parametrize("model", ["mlp", *(pytest.param(m, marks=pytest.mark.long) for m in MODELS if m != "mlp")])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_schedule_with_several_rates_and_seeds(optimizer: str, model: str) -> None:
    epochs, steps = (3, 3) if model.startswith("cnn") else (3, 6)
    settings = [(name, (1e-4, 1e-2)[k % 2], k % 3) for k, name in enumerate(SCHEDULERS)]
    cfgs = [
        member_config(
            epochs, steps, f"optimizer={optimizer}", f"scheduler={name}", *_overrides(model), lr=lr, seed=seed
        )
        for name, lr, seed in settings
    ]
    lasting = _lasting(cfgs, data())
    assert all(steps >= epochs for steps in lasting)


@pytest.mark.long
@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_at_least_80_percent_of_rates_from_1e_6_to_10_stay_equal_for_200_steps(optimizer: str) -> None:
    lasting = _lasting([member_config(5, 40, f"optimizer={optimizer}", lr=lr) for lr in RATES], data())
    print(f"{optimizer}: predictable until", dict(zip(RATES, lasting, strict=True)))
    assert sum(steps == 200 for steps in lasting) >= 0.8 * len(RATES)


@pytest.mark.parametrize("dtype", PRECISIONS)
@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_linear_networks_stay_equal_for_180_steps(optimizer: str, dtype: torch.dtype) -> None:
    """Their loss is convex: below its limit a rate makes no rounding grow."""
    rates = [rate for rate in RATES if rate < 0.5]
    linear = (f"optimizer={optimizer}", "model=linear")
    cfgs = [member_config(4, 45, *linear, lr=lr, seed=k % 3) for k, lr in enumerate(rates)]
    assert _lasting(cfgs, data(), dtype) == [180] * len(rates)


@pytest.mark.parametrize("model", MODELS)
def test_in_float32_64_steps_leave_a_member_within_the_roundings_of_64_steps(model: str) -> None:
    """The precision in which runs train."""
    rates = (1e-4, 1e-3)
    cfgs = [member_config(4, 16, "optimizer=adam", *_overrides(model), lr=lr, seed=k) for k, lr in enumerate(rates)]
    assert _lasting(cfgs, data(), torch.float32) == [64, 64]


@pytest.mark.parametrize("dtype", PRECISIONS)
@pytest.mark.parametrize("model", MODELS)
def test_the_same_stack_has_the_same_bits_whatever_one_member_does(model: str, dtype: torch.dtype) -> None:
    """The same shapes in the same order: all but the one that is exchanged, for one that overflows, are untouched."""
    rates = (1e-4, 1e-2, 1.0)
    tame, wild = (
        [member_config(2, 8, "optimizer=sgd", *_overrides(model), lr=lr) for lr in (*rates, last)]
        for last in (1e-3, 1e30)
    )
    first, again, other = (together(cfgs, data(), dtype) for cfgs in (tame, tame, wild))
    assert all(one.same_bits(two) for one, two in zip(first, again, strict=True))
    assert all(one.same_bits(two) for one, two in zip(first[:-1], other[:-1], strict=True))
    assert not other[-1].losses[-1] < 1e6


def test_dropout_draws_the_masks_of_the_single_run() -> None:
    settings = [(lr, seed) for lr in (1e-3, 1e-2) for seed in (0, 1, 2)]
    cfgs = [member_config(2, 45, "model=mlp", "model.dropout=0.3", lr=lr, seed=seed) for lr, seed in settings]
    assert _lasting(cfgs, data()) == [90] * len(cfgs)


def test_the_line_with_its_full_batch() -> None:
    line = data("line", "batch_size=null")
    overrides = ("dataset=line", "model=linear", "optimizer=sgd", "batch_size=null")
    cfgs = [member_config(100, 1, *overrides, lr=lr) for lr in (0.01, 0.1, 1)]
    assert min(_lasting(cfgs, line)) > 10
    slow, good, wild = (twin.losses for twin in together(cfgs, line))
    assert slow[-1] < slow[0]
    assert good[-1] < 1e-3
    assert wild[-1] > 1e12
