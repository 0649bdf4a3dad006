"""Packs a trained network as an MLflow model."""

from __future__ import annotations

import pickle
import shutil
import sys
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor, nn


def get_ready_to_pack() -> None:
    """Have ``save_model`` import what it needs, by packing next to nothing.

    MLflow's part for torch would also load Lightning, for an automatic logging that nobody asked for: half of the time.
    """
    away = {name: None for name in ("pytorch_lightning", "lightning") if name not in sys.modules}
    sys.modules.update(away)  # type: ignore[arg-type]  # None: as if it were not installed
    try:
        import torch

        with TemporaryDirectory() as folder:
            save_model(torch.nn.Linear(1, 1), torch.zeros(2, 1), Path(folder) / "model")
    finally:
        for name in away:
            del sys.modules[name]


def save_model(network: nn.Module, example: Tensor, folder: Path) -> Path:
    """Write ``folder`` in MLflow's format: weights, signature, and an input example [n, ...].

    The requirements are given: finding them out by itself takes MLflow seconds.
    """
    import mlflow.pytorch
    import torch
    from mlflow.models import infer_signature

    with torch.no_grad():
        answers = network(example).numpy()
    shutil.rmtree(folder, ignore_errors=True)
    mlflow.pytorch.save_model(
        network,
        str(folder),
        signature=infer_signature(example.numpy(), answers),
        input_example=example.numpy(),
        pip_requirements=[
            f"torch=={version('torch').split('+')[0]}",
            f"mlflow=={version('mlflow')}",
            "lrscope",
        ],
    )
    return folder


def save_pickled_model(pickled: bytes, folder: Path) -> Path:
    """``save_model`` for another process: ``pickled`` holds the network and the example."""
    network, example = pickle.loads(pickled)
    return save_model(network, example, folder)
