"""The YAML files that ship: each composes, passes the check, and is named where a user looks for it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from command_line import CHECKOUT
from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.types import RunMode
from omegaconf import OmegaConf

from lrscope.config import schema
from lrscope.config.overrides import run_config
from lrscope.config.validate import check
from lrscope.sweeps.compose import JobComposer

CONF = CHECKOUT / "conf"
OPTIONS = sorted(path.relative_to(CONF).with_suffix("") for path in CONF.rglob("*.yaml") if path.parent != CONF)


@pytest.fixture
def loader() -> Iterator[Any]:
    """Hydra's loader of the configs that ship."""
    GlobalHydra.instance().clear()
    schema.register()
    with initialize_config_dir(config_dir=str(CONF), version_base="1.3"):
        yield GlobalHydra.instance().config_loader()


@pytest.mark.parametrize("option", OPTIONS, ids=str)
def test_every_option_composes_without_a_problem(loader: Any, option: Path) -> None:
    group = option.parent if option.parts[0] == "hydra" else Path(option.parts[0])  # Hydra's own lie one deeper
    cfg = loader.load_configuration("train", [f"{group}={option.relative_to(group)}"], RunMode.MULTIRUN)
    assert check(run_config(cfg, [])) == []


@pytest.mark.parametrize("group", sorted({option.parts[0] for option in OPTIONS} - {"callbacks", "hydra"}))
def test_the_root_file_names_every_option(group: str) -> None:
    """Beside ``- group: default`` stands what else there is."""
    root = (CONF / "train.yaml").read_text()
    line = re.search(rf"- {group}: \S+ +# ([^\n:]+)", root)
    assert line is not None
    options = {option.name for option in OPTIONS if option.parent == Path(group)} - {"base"}
    assert set(line[1].split()) == options


@pytest.mark.parametrize("which", ["job_logging", "hydra_logging"])
@pytest.mark.parametrize("option", ["disabled", "none", "default", "quiet"])
def test_hydras_own_logging_options_stand_alone(loader: Any, which: str, option: str) -> None:
    """What ours says of handlers must not be left in one that has none: Python's logging refuses to start so."""
    cfg = loader.load_configuration("train", [f"hydra/{which}={option}"], RunMode.RUN)
    assert ("handlers" in cfg.hydra[which]) == (option in ("default", "quiet"))
    assert "runtime.output_dir" not in str(OmegaConf.to_container(cfg.hydra.hydra_logging))


def test_an_experiment_wins_over_the_root(loader: Any) -> None:
    """``_self_`` stands before ``experiment``, or its epochs would silently lose."""
    cfg = loader.load_configuration("train", ["experiment=line"], RunMode.MULTIRUN)
    assert cfg.epochs == 1000
    assert cfg.batch_size == 4


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (["lr=0.1", "seed=1"], ["lr=0.2", "seed=2"]),
        (["model=cnn", "lr=1"], ["model=cnn", "lr=2"]),
        (["model=mlp", "model.hidden=[1]"], ["model=mlp", "model.hidden=[2,3]"]),
        (["scheduler=cosine", "scheduler.T_max=7"], ["scheduler=cosine", "scheduler.T_max=${epochs}"]),
        (["callbacks.early_stopping={enabled:true}"], ["callbacks.early_stopping={patience:3}"]),
        (["+model.width=3"], ["+model.width=4"]),
        (["experiment=decay", "epochs=3"], ["experiment=decay", "epochs=4"]),
        (["trainer=smoke", "hydra.job.name=a"], ["trainer=smoke", "hydra.job.name=b"]),
        (["experiment_name='a, b'"], ["experiment_name=null_c"]),
    ],
    ids=lambda overrides: " ".join(overrides),
)
def test_jobs_composed_fast_are_what_hydra_composes(loader: Any, first: list[str], second: list[str]) -> None:
    master = loader.load_configuration("train", ["lr=1,2"], RunMode.MULTIRUN)
    composer = JobComposer(loader)
    for overrides in (first, second, first):
        fast = OmegaConf.to_container(composer.load_sweep_config(master, overrides), resolve=False)
        assert fast == OmegaConf.to_container(loader.load_sweep_config(master, overrides), resolve=False)


def test_a_composed_job_is_nobody_elses(loader: Any) -> None:
    master = loader.load_configuration("train", ["lr=1,2"], RunMode.MULTIRUN)
    composer = JobComposer(loader)
    composer.load_sweep_config(master, ["lr=1"]).model.hidden.append(99)
    assert composer.load_sweep_config(master, ["lr=1"]).model.hidden == [25, 12]
