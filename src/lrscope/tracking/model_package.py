"""Packs a trained network as an MLflow model."""

from __future__ import annotations

import shutil
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor, nn


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
