"""``group._target_=…`` on the command line: the new class gets what it takes, and what was typed."""

from __future__ import annotations

from typing import Any

import pytest
from omegaconf import OmegaConf

from lrscope.config.overrides import run_config


def config() -> Any:
    return OmegaConf.create(
        {
            "lr": 0.1,
            "dataset": {"_target_": "lrscope.datasets.digits.digits", "name": "digits", "seed": 0},
            "model": {"_target_": "torch.nn.Linear", "hidden": [25, 12], "in_features": 3},
            "optimizer": {"_target_": "torch.optim.NAdam", "lr": "${lr}", "betas": [0.9, 0.999], "amsgrad": False},
            "scheduler": {"_target_": "torch.optim.lr_scheduler.StepLR", "name": "constant", "interval": "epoch"},
        }
    )


def test_what_the_new_class_takes_stays() -> None:
    cfg = run_config(config(), ["optimizer._target_=torch.optim.NAdam"])
    assert cfg.optimizer == {"_target_": "torch.optim.NAdam", "lr": 0.1, "betas": [0.9, 0.999]}


@pytest.mark.parametrize("typed", ["+model.in_features=3", "model.hidden=[25,12]"])
def test_what_was_typed_stays_to_be_told_about(typed: str) -> None:
    cfg = run_config(config(), ["model._target_=torch.nn.Linear", typed])
    assert ("hidden" in cfg.model) == ("hidden" in typed)
    assert "in_features" in cfg.model


class NoArguments:
    pass


class AnyArguments:
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        pass


@pytest.mark.parametrize("name", ["NoArguments", "AnyArguments"])
def test_a_model_that_names_no_argument_gets_none_of_the_option(name: str) -> None:
    cfg = config()
    cfg.model._target_ = f"{__name__}.{name}"
    cfg = run_config(cfg, [f"model._target_={cfg.model._target_}"])
    assert cfg.model == {"_target_": cfg.model._target_}


def test_a_class_and_its_arguments_in_one_override() -> None:
    cfg = run_config(config(), ["model={_target_:torch.nn.Linear,hidden:[3]}"])
    assert "hidden" in cfg.model


def test_a_schedule_is_named_for_its_class_and_keeps_how_it_is_stepped() -> None:
    cfg = run_config(config(), ["scheduler._target_=torch.optim.lr_scheduler.StepLR"])
    assert cfg.scheduler == {
        "_target_": "torch.optim.lr_scheduler.StepLR",
        "name": "StepLR",
        "interval": "epoch",
    }


def test_options_whose_class_was_not_exchanged_are_left_alone() -> None:
    cfg = run_config(config(), ["lr=0.1", "model.hidden=[1]", "seed=3"])
    assert cfg == config()


def test_hydras_own_part_is_left_out_and_what_was_composed_stays() -> None:
    composed = OmegaConf.merge({"hydra": {"job": {"num": 0}}}, config())
    cfg = run_config(composed, ["optimizer._target_=torch.optim.NAdam"])
    assert "hydra" in composed and "amsgrad" in composed.optimizer
    assert cfg.keys() == config().keys() and "amsgrad" not in cfg.optimizer
