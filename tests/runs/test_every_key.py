"""Every key that a user can set changes something that can be seen, or is refused.

``CHANGES`` says for each key to what value it is changed, what else it needs, and where the change shows. A key of the
schema or of a file in ``conf/`` that has no entry fails the test.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any, get_type_hints

import h5py
import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from hydra import compose, initialize_config_dir
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, OmegaConf
from PIL import Image

from lrscope.config import schema
from lrscope.config.in_vain import typed_in_vain
from lrscope.config.overrides import run_config
from lrscope.config.validate import check
from lrscope.core.errors import InputError
from lrscope.core.fingerprint import flatten
from lrscope.core.job import Job
from lrscope.core.paths import shipped_conf
from lrscope.core.trace import Trace
from lrscope.datasets import fingers
from lrscope.datasets.data import Data, Part
from lrscope.runs.artifacts import wants_model
from lrscope.runs.fit import assemble, make_module
from lrscope.runs.fit_user_module import make_user_module
from lrscope.runs.lifecycle import TRACE
from lrscope.runs.prepare import prepare
from lrscope.runs.resume import continued
from lrscope.runs.run import run
from lrscope.runs.shared_session import settings_of
from lrscope.training import build, threads
from lrscope.training.checkpoint_folder import CheckpointFolder
from lrscope.training.lightning_class import trains_itself
from lrscope.training.metric_meter import metric_meter
from lrscope.training.objective import objective
from lrscope.training.recording import RunRecorder
from lrscope.training.trainer import make_trainer

CONF = shipped_conf()
BLOBS = ("dataset=blobs", "dataset.examples=200", "batch_size=100")
SMALL = (*BLOBS, "epochs=6", "trainer=cpu", "callbacks.progress=none", "callbacks.look_ahead=false",
         "tracking.mode=offline", "tracking.log_model=none")  # fmt: skip

Look = Callable[[DictConfig], object]


def plain(thing: object) -> object:
    """What of an object's state can be compared: numbers, words and lists of them."""
    if isinstance(thing, torch.Tensor):
        return thing.tolist()
    if isinstance(thing, dict):
        return {str(key): plain(value) for key, value in thing.items() if not str(key).startswith("_")}
    if isinstance(thing, list | tuple):
        return [plain(value) for value in thing]
    return thing if isinstance(thing, int | float | str | bool | None) else type(thing).__name__


def data(cfg: DictConfig) -> object:
    made = build.source(cfg).data
    assert made is not None
    return made.name, made.digest, made.input_shape, made.source


def network(cfg: DictConfig) -> object:
    build.seed_everything(cfg.seed)
    made = build.network(cfg, build.source(cfg).described)
    return str(made), {name: plain(value) for name, value in made.state_dict().items()}


def notes(cfg: DictConfig) -> object:
    """What is told of the data ahead of a training."""
    made = build.source(cfg).data
    assert made is not None
    return made.notes


def answers(cfg: DictConfig) -> object:
    """What a network answers before its first update."""
    build.seed_everything(cfg.seed)
    source = build.source(cfg)
    assert source.data is not None
    return plain(build.network(cfg, source.described)(source.data.train.inputs[:3]))


def optimizer(cfg: DictConfig) -> object:
    if trains_itself(cfg):
        of_module = make_user_module(prepare(cfg, Job(Path(), ()))).configure_optimizers()
        return type(of_module).__name__, plain(of_module.param_groups[0]["lr"])  # type: ignore[union-attr]
    made = build.optimizer(cfg, [torch.nn.Parameter(torch.zeros(1))])
    return type(made).__name__, plain(made.defaults)


def groups(cfg: DictConfig) -> object:
    """The numbers of each parameter group."""
    made = build.optimizer(cfg, build.network(cfg, build.source(cfg).described))
    return [(len(group["params"]), plain(dict(group, params=None))) for group in made.param_groups]


def learned(cfg: DictConfig) -> object:
    """What the loss makes of some answers to the data."""
    source = build.source(cfg)
    assert source.data is not None
    aim, targets = objective(cfg, source), source.data.train.targets
    width = aim.outputs or source.data.outputs
    return float(aim.loss(torch.linspace(-3, 2, len(targets) * width).square().reshape(len(targets), width), targets))


def measured(cfg: DictConfig) -> object:
    """What the metrics make of answers to three classes of which one is rare, or to numbers."""
    meter, numbers = metric_meter(cfg, None, False), any("regression" in m._target_ for m in cfg.metrics.values())
    if numbers:
        meter.add(torch.linspace(1, 2, 20).unsqueeze(1), torch.linspace(1, 3, 20).square().unsqueeze(1))
    else:
        meter.add(torch.randn(20, 3, generator=torch.Generator().manual_seed(2)), torch.arange(20) ** 2 % 7 % 3)
    return meter.values()


def schedule(cfg: DictConfig) -> object:
    """The schedule as Lightning is given it, and the rates and momenta of its first moves."""
    how = make_module(prepare(cfg, Job(Path(), ()))).configure_optimizers()
    if not isinstance(how, dict):
        return build.scheduler_name(cfg), type(how).__name__
    scheduler, kind = how["lr_scheduler"]["scheduler"], how["optimizer"]
    begins, moves = plain(vars(scheduler)), []
    for move in range(12):
        kind.step()
        if type(scheduler).__name__ == "ReduceLROnPlateau":
            scheduler.step((3.0, 2.0, 1.9, 2.5)[move % 4])
        else:
            scheduler.step()
        moves.append([plain(dict(group, params=None)) for group in kind.param_groups])
    stepped = {key: plain(value) for key, value in how["lr_scheduler"].items()}
    return build.scheduler_name(cfg), stepped, begins, moves


def trainer(cfg: DictConfig) -> object:
    made = make_trainer(cfg)
    seen = ("num_devices", "num_nodes", "precision", "gradient_clip_val", "gradient_clip_algorithm",
            "accumulate_grad_batches", "limit_train_batches", "max_epochs")  # fmt: skip
    return type(made.strategy).__name__, [getattr(made, name) for name in seen]


def deterministic(cfg: DictConfig) -> object:
    before = torch.are_deterministic_algorithms_enabled()
    try:
        torch.use_deterministic_algorithms(False)
        make_trainer(cfg)
        return torch.are_deterministic_algorithms_enabled()
    finally:
        torch.use_deterministic_algorithms(before)


def cpu_threads(cfg: DictConfig) -> object:
    with threads.at(1):
        assembled(cfg)
        return torch.get_num_threads()


def assembled(cfg: DictConfig) -> object:
    """What a run is made of: every callback with its settings."""
    single = assemble(prepare(cfg, Job(Path(), ())), RunRecorder(prepare(cfg, Job(Path(), ())).plan), nowhere())
    callbacks: Any = single.trainer.callbacks
    return [(type(c).__name__, plain({k: v for k, v in vars(c).items() if k != "_due"})) for c in callbacks]


def tried(cfg: DictConfig) -> object:
    """Whether anything was tried for a run that failed."""
    run(cfg.copy(), Job(Path("job"), ()))
    return Trace.load(Path("job") / TRACE).facts.trials is not None


def points(cfg: DictConfig) -> object:
    """Everything that a run records."""
    outcome = run(cfg.copy(), Job(Path("job"), ()))
    assert not outcome.crashed, outcome.why
    kept = Trace.load(Path("job") / TRACE).series
    return {key: (kept[key].steps.tolist(), kept[key].values.tolist()) for key in sorted(kept)}


def probed(cfg: DictConfig) -> object:
    """How far a run may be trained on at its end."""
    prepared = prepare(cfg, Job(Path(), ()))
    return assemble(prepared, RunRecorder(prepared.plan), nowhere()).scope


def recorded(cfg: DictConfig) -> object:
    prepared = prepare(cfg, Job(Path(), ()))
    return settings_of(cfg), prepared.plan, wants_model(prepared), cfg.experiment_name


def gone_on_with(cfg: DictConfig) -> object:
    return continued(cfg, Job(Path(), ()), settings_of(cfg)).continues


def refused(_: DictConfig) -> object:
    """For a key that is never taken: the check says so."""
    return None


def nowhere() -> CheckpointFolder:
    return CheckpointFolder(Path("nowhere"), wanted=False)


def with_test_part(name: str = "mine") -> Data:
    part = Part(torch.randn(200, 5, generator=torch.Generator().manual_seed(0)), torch.arange(200) % 2)
    return Data(name, "classification", part, part, test=part, classes=("a", "b"))


@dataclass(frozen=True)
class Change:
    """``to``: another value for the key; ``given``: what must be set for the key to be read."""

    to: str
    look: Look
    given: tuple[str, ...] = ()


STOPPING = ("callbacks.early_stopping.enabled=true",)
MOMENTUM = ("optimizer=sgd", "scheduler.cycle_momentum=true")

AVERAGED = ("balanced_accuracy", "f1", "precision", "recall", "auroc", "average_precision")
OTHER_METRICS = {
    **dict.fromkeys((*AVERAGED, "accuracy", "mcc", "kappa"), "torchmetrics.classification.MulticlassHammingDistance"),
    **dict.fromkeys(
        ("r2", "mae", "mse", "rmse", "mape", "pearson", "spearman"), "torchmetrics.regression.LogCoshError"
    ),
}

CHANGES: dict[str, Change] = {
    "lr": Change("0.5", points),
    "seed": Change("1", points),
    "epochs": Change("3", points),
    "max_steps": Change("5", points),
    "max_time": Change("1e-6", points),
    "evaluate_every_steps": Change("3", points),
    "batch_size": Change("50", points),
    "experiment_name": Change("mine", recorded),
    "resume": Change("nope", gone_on_with),
    "steps_per_epoch": Change("3", refused),
    "total_steps": Change("3", refused),
    "dataset._target_": Change("lrscope.datasets.line.line", data),
    "dataset.name": Change("mine", data),
    "dataset.seed": Change("7", data),
    "dataset.examples": Change("100", data),
    "dataset.val_examples": Change("50", data),
    "dataset.features": Change("3", data),
    "dataset.distance": Change("1.0", data),
    "dataset.val_fraction": Change("0.5", data),
    "dataset.path": Change("MORE_HANDS", data),
    "dataset.version": Change("2", data),
    "dataset.scale": Change("columns", data),
    "dataset.image_shape": Change("[1,8,8]", data),
    "dataset.target": Change("extra", data),
    "dataset.task": Change("regression", data),
    "dataset.val_path": Change("MORE_FILES/a.csv", data),
    "dataset.missing": Change("refuse", data),
    "dataset.categories": Change("[size]", data),
    "dataset.drop": Change("[size]", data),
    "dataset.inputs": Change("z", data),
    "dataset.targets": Change("z", data),
    "dataset.targets_path": Change("FILES/z.npy", data),
    "dataset.classes": Change("[5,7]", data),
    "dataset.size": Change("5", data),
    "dataset.channels": Change("1", data),
    "dataset.cache": Change("always", notes),
    "dataset.text": Change("place", data),
    "dataset.tokens": Change("characters", data),
    "dataset.length": Change("3", data),
    "dataset.most_tokens": Change("4", data),
    "dataset.subset": Change("more", data),
    "dataset.split": Change("more", data),
    "dataset.val_split": Change("more", data),
    "model._target_": Change("torch.nn.Flatten", network),
    "model.checkpoint": Change("FILES/weights.pt", network),
    "model.fresh_head": Change("true", network, ("model.checkpoint=FILES/whole.pt",)),
    "model.hidden": Change("[3]", network),
    "model.channels": Change("[2]", network),
    "model.activation": Change("tanh", network),
    "model.dropout": Change("0.5", network),
    "model.batch_norm": Change("true", network),
    "model.init": Change("zeros", network),
    "model.zero_bias": Change("true", network),
    "model.width": Change("8", network),
    "model.layers": Change("3", network),
    "model.heads": Change("2", answers),
    "model.causal": Change("true", answers),
    "model.depth": Change("14", network),
    "loss._target_": Change("torch.nn.MultiMarginLoss", learned),
    "loss.label_smoothing": Change("0.2", learned),
    "loss.weight": Change("[1,5]", learned),
    "loss.pos_weight": Change("3", learned),
    "loss.delta": Change("0.2", learned),
    **{f"metrics.{name}._target_": Change(to, measured) for name, to in OTHER_METRICS.items()},
    **{f"metrics.{name}.average": Change("weighted", measured) for name in AVERAGED},
    "metrics.accuracy.average": Change("macro", measured),
    "metrics.rmse.squared": Change("true", measured),
    "optimizer.groups": Change("{head:{match:layers.5,lr:0.3},body:{weight_decay:0.1}}", groups),
    "optimizer.no_decay": Change("auto", groups, ("optimizer.weight_decay=0.1",)),
    "optimizer._target_": Change("torch.optim.NAdam", optimizer),
    "optimizer.lr": Change("0.5", optimizer),
    "optimizer.name": Change("mine", optimizer),
    "optimizer.betas": Change("[0.5,0.6]", optimizer),
    "optimizer.eps": Change("0.1", optimizer),
    "optimizer.weight_decay": Change("0.3", optimizer),
    "optimizer.amsgrad": Change("true", optimizer),
    "optimizer.momentum": Change("0.5", optimizer),
    "optimizer.dampening": Change("0.5", optimizer, ("optimizer.momentum=0.5",)),
    "optimizer.nesterov": Change("true", optimizer, ("optimizer.momentum=0.5",)),
    "optimizer.alpha": Change("0.5", optimizer),
    "optimizer.centered": Change("true", optimizer),
    "optimizer.lr_decay": Change("0.5", optimizer),
    "optimizer.initial_accumulator_value": Change("0.5", optimizer),
    "scheduler._target_": Change("torch.optim.lr_scheduler.ConstantLR", schedule),
    "scheduler.name": Change("mine", schedule),
    "scheduler.interval": Change("step", schedule),
    "scheduler.monitor": Change("val/acc", schedule),
    "scheduler.step_size": Change("2", schedule),
    "scheduler.gamma": Change("0.9", schedule),
    "scheduler.milestones": Change("[1,2]", schedule),
    "scheduler.decay_rate": Change("0.5", schedule),
    "scheduler.decay_steps": Change("3", schedule),
    "scheduler.staircase": Change("other", schedule),
    "scheduler.factor": Change("0.25", schedule),
    "scheduler.patience": Change("1", schedule),
    "scheduler.threshold": Change("0.4", schedule),
    "scheduler.threshold_mode": Change("abs", schedule),
    "scheduler.cooldown": Change("2", schedule),
    "scheduler.min_lr": Change("0.0007", schedule),
    "scheduler.mode": Change("other", schedule),
    "scheduler.half_cycle_epochs": Change("1", schedule),
    "scheduler.base_lr": Change("0.0005", schedule),
    "scheduler.steps_per_epoch": Change("5", schedule),
    "scheduler.cycle_momentum": Change("true", schedule, ("optimizer=sgd", "optimizer.momentum=0.5")),
    "scheduler.base_momentum": Change("0.3", schedule, MOMENTUM),
    "scheduler.max_momentum": Change("0.99", schedule, MOMENTUM),
    "scheduler.T_max": Change("3", schedule),
    "scheduler.eta_min": Change("0.0002", schedule),
    "scheduler.warmup": Change("0.5", schedule),
    "scheduler.floor": Change("0.5", schedule),
    "scheduler.total_steps": Change("24", schedule),
    "scheduler.max_lr": Change("0.5", schedule),
    "scheduler.pct_start": Change("0.6", schedule),
    "scheduler.div_factor": Change("5", schedule),
    "scheduler.final_div_factor": Change("5", schedule),
    "scheduler.anneal_strategy": Change("linear", schedule),
    "scheduler.three_phase": Change("true", schedule),
    "trainer.accelerator": Change("other", trainer),
    "trainer.devices": Change("2", trainer),
    "trainer.strategy": Change("ddp", trainer),
    "trainer.num_nodes": Change("2", trainer, ("trainer.strategy=ddp",)),
    "trainer.precision": Change("64-true", trainer),
    "trainer.gradient_clip_val": Change("0.5", trainer),
    "trainer.gradient_clip_algorithm": Change("value", trainer, ("trainer.gradient_clip_val=1",)),
    "trainer.accumulate_grad_batches": Change("2", trainer),
    "trainer.deterministic": Change("false", deterministic),
    "trainer.limit_train_batches": Change("1", trainer),
    "trainer.threads": Change("2", cpu_threads),
    "callbacks.every": Change("2", points),
    "callbacks.grad_norm": Change("false", points),
    "callbacks.update_ratio": Change("false", points),
    "callbacks.dead_units": Change("false", points),
    "callbacks.update_cosine": Change("false", points),
    "callbacks.parameters": Change("true", points, ("model=linear",)),
    "callbacks.count_examples": Change("true", points),
    "callbacks.evaluate_every_epochs": Change("2", points),
    "callbacks.sharpness_every_epochs": Change("3", assembled),
    "callbacks.look_ahead": Change("true", probed),
    "callbacks.trial_seconds": Change("60", tried, ("lr=1e6", "optimizer=sgd", "model.activation=identity")),
    "callbacks.test": Change("true", points, (f"dataset._target_={__name__}.with_test_part",)),
    "callbacks.stop_when": Change("[]", points, ("lr=1e6", "optimizer=sgd", "model.activation=identity")),
    "callbacks.stop_grace_epochs": Change("1", points, ("callbacks.stop_when=[collapsed]", "model.init=zeros")),
    "callbacks.early_stopping.enabled": Change(
        "true", points, ("callbacks.early_stopping.min_delta=9", "callbacks.early_stopping.patience=1")
    ),
    "callbacks.early_stopping.monitor": Change("val/acc", assembled, STOPPING),
    "callbacks.early_stopping.patience": Change("1", points, (*STOPPING, "callbacks.early_stopping.min_delta=9")),
    "callbacks.early_stopping.min_delta": Change("9", points, (*STOPPING, "callbacks.early_stopping.patience=1")),
    "callbacks.early_stopping.mode": Change("max", points, (*STOPPING, "callbacks.early_stopping.patience=1")),
    "callbacks.checkpoint.every_seconds": Change("5", assembled),
    "callbacks.checkpoint.best": Change("false", assembled),
    "callbacks.checkpoint.monitor": Change("val/acc", assembled),
    "callbacks.progress": Change("bar", assembled),
    "callbacks.extra": Change("[{_target_:pytorch_lightning.callbacks.Timer}]", assembled),
    "tracking.mode": Change("online", recorded),
    "tracking.uri": Change("sqlite:///mine.db", recorded),
    "tracking.spool": Change("elsewhere", recorded),
    "tracking.every_n_steps": Change("3", recorded),
    "tracking.log_model": Change("all", recorded),
    "tracking.system_metrics": Change("true", recorded, ("tracking.mode=online",)),
    "tracking.finish_timeout_s": Change("3", recorded),
}

OF_ENGINES = "engines/test_engine_options.py"
OF_SLURM = ("partition", "timeout_min", "cpus_per_task", "gpus_per_node", "mem_gb", "account", "qos", "constraint",
            "setup", "signal_delay_s")  # fmt: skip
ELSEWHERE = {
    **dict.fromkeys(
        ("sweep.engine", "sweep.workers", "sweep.engine_options.cluster"),
        ("engines/test_train_elsewhere.py", "test_points_and_values_are_those_of_one_process"),
    ),
    "sweep.retries": (
        "engines/test_train_elsewhere.py",
        "test_without_retries_the_group_is_given_up_and_the_other_is_unharmed",
    ),
    **{f"sweep.engine_options.{key}": (OF_ENGINES, "test_each_option_of_slurm_reaches_the_job") for key in OF_SLURM},
    **{
        f"sweep.engine_options.{key}": (OF_ENGINES, "test_each_option_of_ray_reaches_the_task")
        for key in ("address", "num_cpus", "num_gpus")
    },
    "sweep.together": ("cli/test_surroundings.py", "test_a_sweep_that_is_neither_batched_nor_reported"),
    "sweep.confirm": (
        "cli/test_confirm.py",
        "test_the_three_best_rates_get_four_more_seeds_and_a_resume_trains_nothing_again",
    ),
    "sweep.objective": ("cli/test_objective.py", "test_the_report_and_the_packed_model_go_by_the_metric"),
    "sweep.direction": ("cli/test_objective.py", "test_the_direction_that_is_typed_is_followed"),
    **dict.fromkeys(
        ("search.method", "search.trials", "search.seed"), ("sweeps/test_expand.py", "test_each_key_changes_the_points")
    ),
    **dict.fromkeys(
        ("search.keep", "search.finalists", "search.judge"), ("cli/test_search.py", "test_each_key_changes_who_leaves")
    ),
    "search.batch": ("cli/test_search.py", "test_optuna_proposes_batch_by_batch_and_goes_on_alike"),
    **dict.fromkeys(
        ("find.low", "find.high", "find.copies"), ("runs/test_find_start.py", "test_each_key_changes_the_rates")
    ),
    **dict.fromkeys(
        ("find.enabled", "find.then"),
        ("cli/test_find_command.py", "test_the_training_that_follows_is_at_the_rate_and_says_who_found_it"),
    ),
    "sweep.report": ("cli/test_surroundings.py", "test_a_sweep_that_is_neither_batched_nor_reported"),
    "packages": ("config/test_trust.py", "test_the_file_of_trusted_packages"),
    "dataset.tokenizer": ("models/test_hf.py", "test_a_tokenizer_gives_its_own_ids"),
    "model.lora": ("models/test_hf.py", "test_adapters_of_low_rank_are_trained_beside_a_frozen_body"),
    **dict.fromkeys(("model.name", "model.pretrained"), ("models/test_hf.py", "test_each_key_changes_the_network")),
}
"""Keys whose change shows in a whole sweep, in another command or with a further package only, and the test of it."""

NEEDED = {
    ("scheduler=cyclic", "scheduler.gamma"): ("scheduler.mode=exp_range",),
    ("scheduler=constant", "scheduler._target_"): ("scheduler.interval=epoch",),
    ("optimizer=own", ""): ("model._target_=own_modules.Single",),
    ("model=cnn", ""): ("dataset=digits", "trainer.limit_train_batches=2"),
    ("dataset=signs", ""): ("dataset.path=HANDS",),
    ("dataset=table", "dataset.task"): ("dataset.target=size",),
    ("dataset=hub", ""): ("dataset.name=tables", "dataset.target=kind"),
    ("dataset=hub", "dataset.size"): ("dataset.name=pictures",),
    ("dataset=hub", "dataset.length"): ("dataset.name=texts", "dataset.inputs=text"),
    ("dataset=table", ""): ("dataset.path=FILES/a.csv", "dataset.target=price"),
    ("dataset=images", ""): ("dataset.path=FILES/photos", "dataset.size=8"),
    ("dataset=arrays", ""): ("dataset.path=FILES/a.npz",),
    ("dataset=sequences", ""): ("dataset.path=FILES/a.csv", "dataset.text=town", "dataset.target=town"),
    **{(f"loss={name}", ""): ("dataset=line",) for name in ("mse", "mae", "huber")},
    ("model=resnet", ""): ("dataset=digits", "trainer.limit_train_batches=2"),
    ("model=gru", ""): ("dataset=sequences", "dataset.path=FILES/poem.txt", "dataset.length=6"),
    ("model=hf", ""): ("dataset=digits",),
    ("model=timm", ""): ("dataset=digits",),
    ("model=transformer", ""): (
        *("dataset=sequences", "dataset.path=FILES/a.csv", "dataset.text=town", "dataset.target=town"),
        "dataset.length=6",
    ),
}
"""What an option (and a key of it) needs beside what the key needs everywhere."""

OTHER = {
    "cpu": "tpu",
    "auto": "tpu",
    "gpu": "cpu",
    "mps": "cpu",
    "false": "true",
    "true": "false",
    "min": "max",
    "step": "epoch",
    "2": "1",
    "ddp": "fsdp",
    "triangular": "triangular2",
    "triangular2": "triangular",
    "exp_range": "triangular",
    "lrscope.datasets.line.line": "lrscope.datasets.digits.digits",
}
"""Another value, where the one in the table is what stands there already."""


def keys_of_the_schema(kind: type = schema.Config, roof: str = "") -> Iterator[str]:
    """Every leaf of the typed configuration."""
    hints = get_type_hints(kind)
    for field in fields(kind):
        if is_dataclass(hints[field.name]):
            yield from keys_of_the_schema(hints[field.name], f"{roof}{field.name}.")
        elif not str(hints[field.name]).startswith("dict"):
            yield f"{roof}{field.name}"
        else:
            assert callable(field.default_factory)
            yield from (key for key in flatten(field.default_factory(), f"{roof}{field.name}") if "." in key)


def keys_of_the_files() -> Iterator[tuple[str, str]]:
    """Each option's choice (``scheduler=step``; empty for the files that are about all of it) and every key in it.

    ``hydra_settings.yaml`` and what stands below ``hydra`` elsewhere is Hydra's own.
    """
    for file in sorted(CONF.rglob("*.yaml")):
        group, _, option = str(file.relative_to(CONF).with_suffix("")).partition("/")
        text = file.read_text()
        if group in ("hydra", "hydra_settings"):
            continue
        alone = not option or "@package _global_" in text
        tree = {k: v for k, v in yaml.safe_load(text).items() if k not in ("defaults", "hydra")}
        for key in flatten(tree):
            choice = f"{group}=[{option}]" if group == "metrics" else f"{group}={option}"  # of these several at once
            yield ("", key) if alone else (choice, f"{group}.{key}")


FILES = sorted(set(keys_of_the_files()))
IN_OPTIONS = sorted((option, key) for option, key in FILES if option and key not in ELSEWHERE)
CASES = [*IN_OPTIONS, *(("", key) for key in sorted({*CHANGES} - {key for _, key in IN_OPTIONS}))]


def test_every_key_has_an_entry() -> None:
    known = {*CHANGES, *ELSEWHERE}
    assert {key for _, key in FILES} | set(keys_of_the_schema()) <= known
    for file, test in ELSEWHERE.values():
        assert f"def {test}(" in (Path(__file__).parents[1] / file).read_text()


def test_no_entry_is_left_over() -> None:
    assert {*CHANGES, *ELSEWHERE} <= {key for _, key in FILES} | set(keys_of_the_schema())


@pytest.fixture(scope="module", autouse=True)
def _small_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Few drawn hands, an OpenML that needs no network, and everything below a folder of this module's own."""
    folder = tmp_path_factory.mktemp("world")
    schema.register()
    with pytest.MonkeyPatch.context() as patch, initialize_config_dir(str(CONF), version_base="1.3"):
        patch.chdir(folder)
        patch.setenv("LRSCOPE_ROOT", str(folder))
        patch.setattr("lrscope.datasets.fingers.TRAIN", 6)
        patch.setattr("lrscope.datasets.fingers.VAL", 6)
        patch.setattr("sklearn.datasets.fetch_openml", fetched)
        patch.setattr("lrscope.datasets.hub._loaded", on_the_hub)
        for seed, name in enumerate(("HANDS", "MORE_HANDS")):
            write_hands(folder / name, seed)
        for seed, name in enumerate(("FILES", "MORE_FILES")):
            write_files(folder / name, seed)
        fingers._drawn.cache_clear()
        yield
    fingers._drawn.cache_clear()  # of so few hands


def write_files(folder: Path, seed: int) -> None:
    """A table, arrays, images and a poem."""
    random = np.random.default_rng(seed)
    folder.mkdir()
    frame = pd.DataFrame({"size": random.integers(1, 9, 40), "town": ["Bern in June", "old Basel"] * 20})
    frame["place"], frame["extra"] = frame.town + " or so", random.standard_normal(40)
    frame["price"] = random.integers(0, 30, 40)
    frame["extra"] = frame.extra.where(frame.index != 3)
    frame.to_csv(folder / "a.csv", index=False)
    pixels = random.integers(0, 256, (40, 8, 8), np.uint8)
    np.savez(folder / "a.npz", x=pixels, y=np.arange(40) % 4, z=np.arange(40) % 5)
    np.save(folder / "z.npy", np.arange(40) % 5)
    for number, image in enumerate(pixels):
        (folder / "photos" / str(number % 2)).mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(folder / "photos" / str(number % 2) / f"{number}.png")
    torch.manual_seed(seed)
    body = {"layers.1.weight": torch.randn(25, 5)}
    torch.save(body, folder / "weights.pt")
    torch.save({**body, "layers.5.bias": torch.randn(2)}, folder / "whole.pt")
    (folder / "poem.txt").write_text("shall I compare thee to a summer's day\n" * (5 + seed))


def write_hands(folder: Path, seed: int) -> None:
    folder.mkdir()
    for part in ("train", "test"):
        images = np.random.default_rng(seed).integers(0, 256, (6, 64, 64, 3), np.uint8)
        with h5py.File(folder / f"{part}_signs.h5", "w") as file:
            file[f"{part}_set_x"], file[f"{part}_set_y"], file["list_classes"] = images, np.arange(6), np.arange(6)


def fetched(name: str, version: object = "active", **_: object) -> SimpleNamespace:
    generator = np.random.default_rng(len(name) + 10 * len(str(version)))
    frame = pd.DataFrame(generator.integers(0, 200, (100, 64)))
    return SimpleNamespace(data=frame, target=pd.Series(pd.Categorical(["yes", "no"] * 50)))


@dataclass
class ClassLabel:
    names: tuple[str, ...] = ("a", "b")


class Picture:
    """``datasets`` calls this feature Image, and lrscope knows features by these names."""


Picture.__name__ = "Image"


class HubPart:
    """As much of a ``datasets.Dataset`` as is asked for."""

    def __init__(self, columns: dict[str, list[Any]], features: dict[str, object]) -> None:
        self.columns, self.features = columns, features

    def __getitem__(self, key: str) -> list[Any]:
        return self.columns[key]

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return (dict(zip(self.columns, row, strict=True)) for row in zip(*self.columns.values(), strict=True))

    def select(self, rows: list[int]) -> HubPart:
        return HubPart({key: [column[row] for row in rows] for key, column in self.columns.items()}, self.features)

    def to_pandas(self) -> pd.DataFrame:
        return pd.DataFrame(self.columns)


def on_the_hub(name: str, subset: str | None) -> dict[str, HubPart]:
    def part(seed: int) -> HubPart:
        random = np.random.default_rng([seed, len(subset or "")])
        kinds, grey = [0, 1] * 20, random.integers(0, 256, 40, np.uint8)
        if name == "pictures":
            pictures = [Image.new("L", (6, 6), int(shade)) for shade in grey]
            return HubPart({"image": pictures, "kind": kinds}, {"image": Picture(), "kind": ClassLabel()})
        columns = {"text": [f"so n{shade} it is" for shade in grey], "grey": grey.tolist(), "kind": kinds}
        if name != "texts":
            columns["text"] = ["one", "other"] * 20
        return HubPart(columns, {"text": SimpleNamespace(dtype="string"), "grey": object(), "kind": ClassLabel()})

    return {"train": part(0), "more": part(1)}


@cache
def pickled(words: tuple[str, ...]) -> bytes:
    """The config of a command line; a word of the same key wins over an earlier one."""
    by_key = {word.partition("=")[0]: word for word in words}
    cfg = compose("train", list(by_key.values()))
    return pickle.dumps(run_config(cfg, list(by_key.values())))


def composed(words: tuple[str, ...], change: str | None = None) -> DictConfig:
    """The same with one value changed, as ``JobComposer`` does it for the members of a sweep."""
    cfg: DictConfig = pickle.loads(pickled(words))
    if change is not None:
        override = OverridesParser.create().parse_override(change)
        OmegaConf.update(cfg, override.key_or_group, override.value(), merge=True)
        return run_config(cfg, [*words, change])
    return cfg


@cache
def seen(look: Look, words: tuple[str, ...], change: str | None = None) -> str:
    cfg = composed(words, change)
    if refusals := [*check(cfg), *typed_in_vain([(cfg, [*words, change] if change else words)])]:
        return f"refused: {refusals}"
    try:
        return repr(look(cfg))
    except InputError as error:
        return f"refused: {error.problems}"


def words_for(option: str, key: str) -> tuple[str, ...]:
    words = (*([option] if option else []), *NEEDED.get((option, ""), ()), *NEEDED.get((option, key), ()))
    words = (*words, *CHANGES[key].given)
    if any(word.startswith("dataset") for word in words):
        return (*(word for word in SMALL if word not in BLOBS), "batch_size=null", *words)
    return (*SMALL, *words)


@pytest.mark.parametrize(("option", "key"), CASES, ids=[f"{option} {key}".strip() for option, key in CASES])
def test_a_change_shows(option: str, key: str) -> None:
    words, to = words_for(option, key), CHANGES[key].to
    now = str(OmegaConf.select(composed(words), key)).lower()
    if to.lower() in (now, "other"):
        to = OTHER[now]
    before, after = seen(CHANGES[key].look, words), seen(CHANGES[key].look, words, f"{key}={to}")
    assert not (before.startswith("refused") and after.startswith("refused")), before
    assert after != before


LOOKS = sorted({change.look.__name__: change.look for change in CHANGES.values()}.items())


@pytest.mark.parametrize("name", [name for name, _ in LOOKS])
def test_nothing_shows_where_nothing_changes(name: str) -> None:
    look, words = dict(LOOKS)[name], (*SMALL, "scheduler=cosine")
    assert not seen(look, words).startswith("refused")
    assert seen.__wrapped__(look, words) == seen(look, words)
