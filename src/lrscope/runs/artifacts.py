"""The files that a run leaves beside its numbers: checkpoints, and the trained model in MLflow's format."""

from __future__ import annotations

import pickle
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import pytorch_lightning as pl
import torch
from torch import nn

from lrscope.config.instantiate import reason_of
from lrscope.core.files import is_full, spared
from lrscope.runs.prepare import PreparedRun
from lrscope.tracking import RunLog, Session
from lrscope.training.best_weights import BestWeights
from lrscope.training.checkpoint_folder import BEST, LAST, CheckpointFolder
from lrscope.training.lightning_class import overrides

MODEL = "model"
"""The name of a run's model in its record."""


def keep_best(folder: CheckpointFolder, log: RunLog, best: BestWeights) -> None:
    """Write the best weights: ``{"state_dict", "epoch", "monitor"}``, loads with ``weights_only=True``."""
    if not best.weights:
        return
    folder.write_best({"state_dict": best.weights, "epoch": best.epoch, "monitor": best.monitor})
    if (folder.path / BEST).is_file():
        log.artifact(folder.path / BEST, "checkpoints")


def keep_last(folder: CheckpointFolder, log: RunLog) -> None:
    """Hand the last checkpoint over to the record, where there is one."""
    if (folder.path / LAST).is_file():
        log.artifact(folder.path / LAST, "checkpoints")


def keep_model(run: PreparedRun, log: RunLog, network: nn.Module, session: Session) -> None:
    """Pack the trained network as an MLflow model that takes raw examples, with signature and input example."""
    from lrscope.tracking.mlflow_store.model_package import save_model, save_pickled_model
    from lrscope.tracking.mlflow_store.raw_model import RawExamples

    data = run.source.data
    if data is None:
        return
    if isinstance(network, pl.LightningModule):
        if not overrides(type(network), "forward"):
            print(f"{run.name}: its model is not packed, as {type(network).__name__} has no forward", file=sys.stderr)
            return
        from lrscope.training.user_module.optimizers import give_back

        give_back(network)
    example = data.train.inputs[:2].cpu()
    task = "labels" if run.objective.task == "labels" else data.task
    raw = RawExamples(data.preprocessing, task, data.classes, data.target_scale)
    network = network.to("cpu", torch.float32).eval()
    with spared(log.folder / "model" / "MLmodel", "the trained model was not packed"), _without_it(run.name):
        try:
            pickled = pickle.dumps((network, example, raw))
        except Exception:  # classes defined on the spot, lambdas: MLflow knows how to keep them
            log.model(save_model(network, example, log.folder / "model", raw))
        else:
            log.model(session.call_in_service(save_pickled_model, pickled, log.folder / "model"))


@contextmanager
def _without_it(name: str) -> Iterator[None]:
    """A network that cannot be packed takes the model away from a run, not the run itself; its checkpoints are kept."""
    try:
        yield
    except Exception as error:
        if is_full(error):
            raise
        warnings.warn(f"{name}: the trained model was not packed ({reason_of(error)})", stacklevel=3)


def wants_model(run: PreparedRun) -> bool:
    """Whether the model is packed as soon as its run ends; a sweep's best is packed when the sweep ends."""
    if run.cfg.tracking.mode == "off":
        return False
    choice = run.cfg.tracking.log_model
    return choice == "all" or (choice == "best" and run.job.ticket is None)
