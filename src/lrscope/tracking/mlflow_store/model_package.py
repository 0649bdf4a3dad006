"""Packs a trained network as an MLflow model."""

from __future__ import annotations

import logging
import pickle
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import TYPE_CHECKING, Any

from lrscope.core.failpoint import failpoint
from lrscope.tracking.mlflow_store.model_code import modules_behind, packages_behind, pinned, write_code

if TYPE_CHECKING:
    from torch import Tensor, nn

    from lrscope.tracking.mlflow_store.raw_model import RawExamples

ALWAYS = {"torch", "mlflow", "cloudpickle", "numpy", "pandas"}
"""The packages that every packed model is loaded and asked with."""


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


def save_model(network: nn.Module, example: Tensor, folder: Path, raw: RawExamples | None = None) -> Path:
    """Write ``folder`` in MLflow's format: weights, signature, and an input example.

    The requirements are given: finding them out by itself takes MLflow seconds. The network is pickled: to trace it
    (MLflow's own choice) takes seconds too, and fails for a forward with an ``if`` in it. What the user's own modules
    define is pickled along, and the files of lrscope that it needs are copied, so that the model loads where nothing
    but its requirements is installed.

    Args:
        example: inputs of the network, [n, ...].
        raw: has the model take raw examples and answer in words; by ``mlflow.pytorch`` it loads as the bare network.
    """
    import mlflow.pytorch
    import torch
    from mlflow.models import infer_signature

    from lrscope.tracking.mlflow_store.raw_model import RAW, RawModel, raw_example

    shown: Any = example.numpy() if raw is None else raw_example(raw, example)
    if raw is not None:
        setattr(network, RAW, raw)
    signature = None
    if shown is not None:
        with torch.no_grad():
            answers = network(example).numpy() if raw is None else RawModel(network, raw).predict(shown)
        signature = infer_signature(shown, answers)
    shutil.rmtree(folder, ignore_errors=True)
    with (
        failpoint("package"),
        _own_modules_along(network, raw),
        _without_words_on_pickles(),
        TemporaryDirectory() as code,
    ):
        modules = modules_behind(network) | ({RawModel.__module__} if raw is not None else set())
        ours = write_code(modules, Path(code))
        mlflow.pytorch.save_model(
            network,
            str(folder),
            signature=signature,
            input_example=shown,
            serialization_format="pickle",
            pip_requirements=pinned(packages_behind(modules) | (raw.packages if raw is not None else set()) | ALWAYS),
            code_paths=[str(ours)] if ours is not None else None,
        )
    if raw is not None:
        _load_by(folder, RawModel.__module__)
    return folder


def _load_by(folder: Path, module: str) -> None:
    """Have ``mlflow.pyfunc`` load a model by the ``_load_pyfunc`` of a module of lrscope's."""
    from mlflow.models import Model

    model = Model.load(str(folder))
    model.flavors["python_function"]["loader_module"] = module
    model.save(str(folder / "MLmodel"))


@contextmanager
def _own_modules_along(network: nn.Module, raw: RawExamples | None) -> Iterator[None]:
    """What the user's own modules define is pickled by value as long as this lasts, and what that names of others."""
    import cloudpickle

    taken: list[ModuleType] = []
    made_of = (*network.modules(), raw.preprocessing if raw is not None else None)
    names = {type(module).__module__ for module in made_of}
    try:
        while own := _own_by_name(names):
            for module in own:
                cloudpickle.register_pickle_by_value(module)
            taken += own
            try:
                names = modules_behind(network)
            except Exception:  # a module whose contents cannot be pickled: it goes by its name, as it always did
                while own:
                    cloudpickle.unregister_pickle_by_value(own.pop())
                    taken.pop()
                break
        yield
    finally:
        for module in taken:
            cloudpickle.unregister_pickle_by_value(module)


def _own_by_name(names: set[str]) -> list[ModuleType]:
    """The user's own modules among these that would be pickled by their names."""
    import cloudpickle

    found = (sys.modules.get(name) for name in sorted(names - set(cloudpickle.list_registry_pickle_by_value())))
    return [module for module in found if module is not None and _is_own(module)]


def _is_own(module: ModuleType) -> bool:
    """Whether a module is a file of the user's, not of an installed package."""
    file = getattr(module, "__file__", None) or ""
    installed = ("site-packages", "dist-packages", "/lib/python")
    return bool(file) and module.__name__.partition(".")[0] != "lrscope" and not any(part in file for part in installed)


@contextmanager
def _without_words_on_pickles() -> Iterator[None]:
    """MLflow warns of every pickle, at length."""
    logger = logging.getLogger("mlflow.pytorch")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def save_pickled_model(pickled: bytes, folder: Path) -> Path:
    """``save_model`` for another process: ``pickled`` holds the network, the example and how raw ones become such."""
    network, example, raw = pickle.loads(pickled)
    return save_model(network, example, folder, raw)
