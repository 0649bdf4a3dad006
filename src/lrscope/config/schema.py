"""The types of the configuration, registered with Hydra."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any

from omegaconf import BooleanNode, DictConfig
from omegaconf.errors import ValidationError


@dataclass
class TrainerConfig:
    """Arguments of Lightning's Trainer; ``threads`` is torch's number of CPU threads."""

    accelerator: str = "auto"
    devices: Any = 1
    strategy: str = "auto"
    num_nodes: int = 1
    precision: str = "32-true"
    gradient_clip_val: float | None = None
    gradient_clip_algorithm: str = "norm"
    accumulate_grad_batches: int = 1
    deterministic: bool = True
    limit_train_batches: int | None = None
    threads: int | None = None


@dataclass
class EarlyStoppingConfig:
    """Stop when a metric has not improved by ``min_delta`` for ``patience`` epochs."""

    enabled: bool = False
    monitor: str = "val/loss"
    patience: int = 10
    min_delta: float = 0.0
    mode: str = "min"


@dataclass
class CheckpointConfig:
    """What is kept on disk: the last state every ``every_seconds``, and the best epoch by ``monitor``."""

    every_seconds: float = 30.0
    best: bool = True
    monitor: str = "val/loss"


@dataclass
class CallbacksConfig:
    """What is measured while training and when to stop; ``conf/callbacks/default.yaml`` explains each."""

    every: int | None = None
    grad_norm: bool = True
    update_ratio: bool = True
    dead_units: bool = True
    update_cosine: bool = True
    parameters: bool = False
    count_examples: bool = False
    evaluate_every_epochs: int = 1
    sharpness_every_epochs: int | None = None
    look_ahead: bool = True
    trial_seconds: float | None = None
    test: bool = False
    stop_when: list[str] = field(default_factory=lambda: ["diverged"])
    stop_grace_epochs: int = 5
    early_stopping: EarlyStoppingConfig = field(default_factory=EarlyStoppingConfig)
    checkpoint: CheckpointConfig = field(default_factory=CheckpointConfig)
    progress: str = "auto"
    extra: list[Any] = field(default_factory=list)


@dataclass
class TrackingConfig:
    """Where runs are recorded; ``conf/tracking/mlflow.yaml`` explains each."""

    mode: str = "online"
    uri: str | None = None
    spool: str = "outputs/spool"
    every_n_steps: int | None = None
    log_model: str = "best"
    system_metrics: bool = False
    finish_timeout_s: float = 30.0


@dataclass
class EngineOptionsConfig:
    """What the engines are told; which of them reads which key stands in ``config/engine_options.py``."""

    address: str | None = None
    num_cpus: float | None = None
    num_gpus: float | None = None
    cluster: str | None = None
    partition: str | None = None
    timeout_min: int | None = None
    cpus_per_task: int | None = None
    gpus_per_node: int | None = None
    mem_gb: float | None = None
    account: str | None = None
    qos: str | None = None
    constraint: str | None = None
    setup: list[str] | None = None
    signal_delay_s: int | None = None


@dataclass
class SweepConfig:
    """How the members of a sweep are trained and shown."""

    together: str = "auto"
    engine: str = "local"
    """Where groups of members, or single ones, train."""
    workers: int | None = None
    """Groups under way at one time; null takes one."""
    retries: int = 2
    """How many times a group whose process dies goes on from its checkpoints."""
    engine_options: EngineOptionsConfig = field(default_factory=EngineOptionsConfig)
    report: bool = True
    confirm: bool = False
    objective: str = "val/loss"
    """The metric of an epoch that the report and the choice of the best model go by."""
    direction: str = "min"


HALVES = ("halving", "tpe")
"""Methods of a search that stop members."""


@dataclass
class SearchConfig:
    """How intervals are searched; ``conf/search`` explains each key, and which method reads it."""

    method: str = "halving"
    trials: int = 64
    batch: int = 16
    keep: float = 0.3
    finalists: int = 3
    judge: str = "forecast"
    seed: int = 0


@dataclass
class FindConfig:
    """Which rates are tried to find the best; ``conf/find/on.yaml`` explains each key."""

    enabled: bool = False
    then: str = "stop"
    low: float = 1e-6
    high: float = 10.0
    copies: int = 29


@dataclass
class Config:
    """The whole configuration of one run. The open groups hold a ``_target_`` and its arguments, ``metrics`` one by
    name for each."""

    dataset: dict[str, Any] = field(default_factory=dict)
    model: dict[str, Any] = field(default_factory=lambda: {"checkpoint": None, "fresh_head": None})
    loss: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, Any] = field(default_factory=dict)
    optimizer: dict[str, Any] = field(default_factory=lambda: {"groups": {}, "no_decay": None})
    scheduler: dict[str, Any] = field(default_factory=dict)
    trainer: TrainerConfig = field(default_factory=TrainerConfig)
    callbacks: CallbacksConfig = field(default_factory=CallbacksConfig)
    tracking: TrackingConfig = field(default_factory=TrackingConfig)
    sweep: SweepConfig = field(default_factory=SweepConfig)
    search: SearchConfig = field(default_factory=SearchConfig)
    find: FindConfig = field(default_factory=FindConfig)
    lr: float = 0.001
    seed: int = 0
    epochs: int | None = 50
    """Passes over the training part; null where ``max_steps`` alone says how long a run is."""
    max_steps: int | None = None
    """Updates at most; of ``epochs`` and this, whichever comes first ends a run."""
    max_time: Any = None
    """Seconds, or ``DD:HH:MM:SS``, at most; see ``config/duration.py``."""
    evaluate_every_steps: int | None = None
    """The parts are evaluated behind every so many updates; null: at the ends of epochs."""
    batch_size: int | None = 32
    """Examples of one update; null takes them all."""
    experiment_name: str = "lrscope"
    resume: str | None = None
    steps_per_epoch: int | None = None
    """Optimizer updates of one epoch; filled in once the data is known, for schedules to refer to."""
    total_steps: int | None = None


class TrueOrFalse(BooleanNode):
    """Takes true and false, as words too, and of the numbers 0 and 1: OmegaConf's own takes any other for true."""

    def _validate_and_convert_impl(self, value: Any) -> bool:
        if str(value).strip("+-").isdigit() and str(value) not in ("0", "1"):
            raise ValidationError("Value '$VALUE' is not a valid bool (type $VALUE_TYPE)")
        return super()._validate_and_convert_impl(value)

    def __deepcopy__(self, memo: dict[int, Any]) -> TrueOrFalse:
        made = TrueOrFalse()
        self._deepcopy_impl(made, memo)
        return made


def _with_strict_bools(node: DictConfig) -> DictConfig:
    """The same tree of types with such keys in the place of OmegaConf's own."""
    for key, child in node.__dict__["_content"].items():
        if isinstance(child, DictConfig):
            _with_strict_bools(child)
        elif type(child) is BooleanNode:
            made, optional = TrueOrFalse(child._value(), key, node), child._metadata.optional
            made._metadata.optional = optional
            node.__dict__["_content"][key] = made
    return node


def register() -> None:
    """Make the schema and lrscope's resolvers known to Hydra. Calling it again changes nothing."""
    from hydra.core.config_store import ConfigStore
    from omegaconf import OmegaConf

    from lrscope.core.command_words import train_command
    from lrscope.core.paths import project_root

    # Hydra copies all of it for each group that --help lists, half of that command's time (0.29 s of 0.58,
    # benchmarks/hacks.py), though it copies what it takes out as well.
    setattr(ConfigStore, "__deepcopy__", lambda store, _memo: store)  # noqa: B010
    node = _with_strict_bools(OmegaConf.structured(Config))
    OmegaConf.set_struct(node.optimizer.groups, False)  # the user names the groups: each is a new key
    ConfigStore.instance().store(name="lrscope", node=node)
    OmegaConf.register_new_resolver("lrscope_root", lambda: str(project_root()), replace=True)
    OmegaConf.register_new_resolver("lrscope_train", train_command, replace=True)
    OmegaConf.register_new_resolver("lrscope_goal", _goal, replace=True)
    OmegaConf.register_new_resolver("lrscope_experiment", _experiment, replace=True)
    OmegaConf.register_new_resolver("lrscope_epochs", lambda steps: 50 if steps is None else None, replace=True)
    OmegaConf.register_new_resolver("lrscope_dataset", _dataset, replace=True)
    OmegaConf.register_new_resolver("lrscope_stem", _stem, replace=True)


def _goal(metric: object) -> str:
    from lrscope.core.metric_goal import goal_of

    return goal_of(str(metric)) or "min"


def _experiment(otherwise: str) -> str:
    """MLflow's own variable, else the name that the configuration has."""
    return os.environ.get("MLFLOW_EXPERIMENT_NAME") or otherwise


def _dataset(group: Any) -> str:
    """The name of the group's data; the schema's own default where it has neither name nor target."""
    from lrscope.core.dataset_name import dataset_name

    return dataset_name(group.get("_target_"), group.get("name")) or "lrscope"


def _stem(path: str | None, otherwise: str) -> str:
    """``houses`` of ``/data/houses.csv``: what a data set from a file is called."""
    return (PurePath(str(path)).stem if path else "") or otherwise
