"""Lightning's Trainer as lrscope uses it: for a run alone, and for a stack."""

from __future__ import annotations

import logging
import warnings
from typing import Any

import pytorch_lightning as pl
import torch
from omegaconf import DictConfig, OmegaConf

from lrscope.core.errors import InputError, Problem
from lrscope.training.build import planned_epochs
from lrscope.training.fast_hooks import NoProfiler
from lrscope.training.kept_memory import keep_freed_memory


def make_trainer(cfg: DictConfig, **more: Any) -> pl.Trainer:
    """Lightning's Trainer with everything switched off that lrscope does itself.

    Args:
        more: arguments of the Trainer that take the place of lrscope's.

    Raises:
        InputError: the accelerator is not there, or an argument does not fit it.
    """
    arguments: Any = OmegaConf.to_container(cfg.trainer, resolve=True)
    del arguments["threads"]  # torch's, not the trainer's: whoever trains sets it
    # The moments of dead units decay into numbers below 1e-38, which a processor takes a hundred times longer for.
    torch.set_flush_denormal(True)
    keep_freed_memory()
    if arguments["gradient_clip_val"] is None:
        del arguments["gradient_clip_algorithm"]
    try:
        with lightning_kept_quiet():
            epochs = planned_epochs(cfg) if cfg.total_steps is not None else cfg.epochs or -1  # -1: only looked at
            settled: dict[str, Any] = {
                "max_epochs": epochs,
                "max_steps": cfg.max_steps or -1,
                "limit_val_batches": 0,
                "num_sanity_val_steps": 0,
                "logger": False,
                "enable_checkpointing": False,
                "enable_progress_bar": False,
                "enable_model_summary": False,
                "use_distributed_sampler": True,
                "profiler": NoProfiler(),
            }
            trainer = pl.Trainer(**{**arguments, **settled, **more})
            # Lightning would end a run by an exception of its own where SIGTERM comes at an epoch's end, with no
            # checkpoint: lrscope's handler has set its flag by then, and the run stops where it can go on.
            trainer._signal_connector.register_signal_handlers = lambda: None  # type: ignore[method-assign]
    except Exception as error:
        raise InputError(_refused(cfg.trainer, str(error).splitlines()[0].rstrip(".!"))) from error
    if str(cfg.trainer.precision) in HALF and trainer.precision not in HALF:  # Lightning takes another, and warns
        rule, remedy = "a processor has no such arithmetic", "Try trainer.precision=bf16-mixed."
        raise InputError(Problem("trainer.precision", str(cfg.trainer.precision), rule, remedy))
    return trainer


HALF = ("16", "16-mixed")


def _refused(asked: DictConfig, reason: str) -> Problem:
    """What Lightning says of its arguments, told of the one that it is about."""
    named = ("strategy", "devices", "precision", "num_nodes", "gradient_clip_algorithm")
    key = next((name for name in named if f"`{name}" in reason), "accelerator")
    if asked.strategy != "auto" and "Strategy`" in reason:  # the class that a name stands for
        key = "strategy"
    remedy = f"Try trainer.{key}=auto." if key == "strategy" else "Try trainer=cpu or trainer=auto."
    return Problem(f"trainer.{key}", str(asked[key]), reason, remedy)


class lightning_kept_quiet:
    """Lightning announces devices, tips and interruptions for every run; a sweep of 64 needs none of it.

    Args:
        precision: of the run that is trained within.
    """

    def __init__(self, precision: str = "32-true") -> None:
        # Where a loss scale has the first update skipped, torch takes the schedule to be stepped too early.
        self._more = (".*Detected call of `lr_scheduler.step.*",) if str(precision) in HALF else ()

    def __enter__(self) -> None:
        self._logger = logging.getLogger("pytorch_lightning")
        self._level = self._logger.level
        self._logger.setLevel(logging.ERROR)
        self._filters = warnings.catch_warnings()
        self._filters.__enter__()
        for words in (
            ".*does not have many workers.*",
            ".*`isinstance.treespec, LeafSpec.`.*",
            ".*GPU available.*",
            ".*`srun` command is available.*",
            ".*AMP with fp16 is not supported on CPU.*",  # lrscope refuses it
            ".*is supported for historical reasons.*",
            ".*smaller than the logging interval.*",
            ".*is not available but strict is set to `False`.*",
            ".*`srun` command is available on your system.*",  # sweep.engine=slurm is how lrscope trains there
            *self._more,
        ):
            warnings.filterwarnings("ignore", words)

    def __exit__(self, *_: object) -> None:
        self._filters.__exit__(None, None, None)
        self._logger.setLevel(self._level)
