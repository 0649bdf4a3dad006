"""``group._target_=…`` on the command line: the new class gets what it takes, and what was typed."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from lrscope.config import schema
from lrscope.config.overrides import run_config
from lrscope.core.paths import shipped_conf
from lrscope.training.parameter_groups import NOT_ARGUMENTS
from lrscope.training.pretrained import OURS


def own(part: Any) -> set[str]:
    """The keys that are the class's: not those by which lrscope loads weights, or makes groups, of any."""
    return set(part) - {*OURS, *NOT_ARGUMENTS}


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


FILES = {
    "experiment/own.yaml": f"""
        # @package _global_
        model: {{_target_: {__name__}.NoArguments}}
        optimizer: {{_target_: torch.optim.SGD, momentum: 0.5}}
        scheduler: {{_target_: torch.optim.lr_scheduler.StepLR, step_size: 3}}
        dataset: {{_target_: lrscope.datasets.line.line}}
    """,
    "experiment/wrong.yaml": f"""
        # @package _global_
        model: {{_target_: {__name__}.NoArguments, hidden: [7]}}
    """,
    "model/own.yaml": f"""
        defaults: [mlp]
        _target_: {__name__}.NoArguments
        dropout: 0.0
    """,
    "model/deeper.yaml": """
        defaults: [mlp]
        hidden: [9, 9, 9]
    """,
}


@pytest.fixture
def composed(tmp_path: Path) -> Callable[..., Any]:
    """A config as Hydra composes it, Hydra's own part included, with files of the user's beside the shipped ones."""
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(textwrap.dedent(text).lstrip())
    schema.register()

    def compose_run(*overrides: str) -> Any:
        place = f"hydra.searchpath=[file://{tmp_path}]"
        with initialize_config_dir(str(shipped_conf()), version_base="1.3"):
            return run_config(compose("train", [*overrides, place], return_hydra_config=True), overrides)

    return compose_run


def test_a_class_that_a_file_names_gets_nothing_of_the_option_below(composed: Callable[..., Any]) -> None:
    cfg = composed("experiment=own")
    assert own(cfg.model) == {"_target_"}
    assert own(cfg.optimizer) == {"_target_", "lr", "weight_decay", "momentum"}
    assert (cfg.scheduler.name, cfg.scheduler.step_size) == ("StepLR", 3)
    assert dict(cfg.dataset) == {"_target_": "lrscope.datasets.line.line", "name": "line"}
    assert composed("experiment=own", "optimizer=sgd").optimizer.nesterov is False, "of the very same class"


def test_an_option_that_builds_upon_another_gets_what_it_says_itself(composed: Callable[..., Any]) -> None:
    assert own(composed("model=own").model) == {"_target_", "dropout"}, "dropout is told: the class does not take it"
    deeper = composed("model=deeper").model
    assert deeper.hidden == [9, 9, 9]
    assert deeper.activation == "relu"


@pytest.mark.parametrize("typed", [["experiment=wrong"], ["experiment=own", "model.hidden=[25,12]"]])
def test_what_somebody_wrote_for_the_new_class_stays_to_be_told_about(
    composed: Callable[..., Any], typed: list[str]
) -> None:
    assert own(composed(*typed).model) == {"_target_", "hidden"}
