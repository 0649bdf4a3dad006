"""Any classification set of OpenML by its name, through scikit-learn; kept under ``data/openml``."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.error import URLError

import torch
from torch import Tensor

from lrscope.core.errors import InputError, Problem
from lrscope.core.paths import resolve
from lrscope.datasets.data import Data, Part
from lrscope.datasets.split import stratified

if TYPE_CHECKING:
    import pandas as pd

SCALES = ("auto", "pixels", "columns")
PATIENCE_S = 20.0
"""A server that is silent for longer counts as not reachable."""


def openml(
    name: str,
    version: int | str = "active",
    seed: int = 0,
    val_fraction: float = 0.2,
    scale: str = "auto",
    image_shape: Sequence[int] | None = None,
    folder: str = "data/openml",
) -> Data:
    """The named set, split by ``seed``: inputs float32 [N, features], or [N, *image_shape].

    Categories become one column each, gaps the training part's mean.

    Args:
        scale: ``pixels`` divides everything by the largest value; ``columns`` takes each to mean 0 and
            standard deviation 1 of the training part; ``auto`` is pixels for 64 and more columns of whole
            numbers from 0 to 255, else columns.
        image_shape: e.g. ``[1, 28, 28]`` to give the rows of mnist_784 to a cnn.

    Raises:
        InputError: no such set, no network to fetch it, no classes to learn, a shape that does not fit.
    """
    if scale not in SCALES:
        raise InputError(Problem("dataset.scale", scale, f"must be one of {', '.join(SCALES)}", "Use auto."))
    frame, answers = _fetched(name, version, folder)
    if not hasattr(answers, "cat"):
        rule = "its target is a number, not a class"
        raise InputError(Problem("dataset.name", name, rule, "Choose a classification set of OpenML."))
    known = answers.notna().to_numpy()
    targets = torch.tensor(answers.cat.codes.to_numpy()[known], dtype=torch.int64)
    train, val = stratified(_columns(frame[known]), targets, val_fraction, seed)
    inputs = [_shaped(part, image_shape, name) for part in _scaled(train.inputs, val.inputs, scale)]
    classes = tuple(str(category) for category in answers.cat.categories)
    source = f"OpenML {name} (version {version}), split by seed {seed}"
    parts = Part(inputs[0], train.targets), Part(inputs[1], val.targets)
    return Data(name, "classification", *parts, classes=classes, source=source)


def _fetched(name: str, version: int | str, folder: str) -> tuple[pd.DataFrame, pd.Series]:
    from sklearn.datasets import fetch_openml

    kept_in = resolve(folder)
    where: dict[str, Any] = {"version": version, "data_home": str(kept_in)}
    try:
        with _timeout(PATIENCE_S):
            bunch = fetch_openml(name, **where, as_frame=True, parser="auto", n_retries=0)
    except (URLError, TimeoutError, ConnectionError) as error:
        rule = f"it is not in {kept_in} and OpenML cannot be reached ({getattr(error, 'reason', error)})"
        remedy = "Connect once to fetch it, or use a dataset that needs no network: dataset=digits."
        raise InputError(Problem("dataset.name", name, rule, remedy)) from error
    except ValueError as error:
        rule = f"OpenML does not give it: {str(error).rstrip('.')}"
        raise InputError(Problem("dataset.name", name, rule, "Look for names on openml.org.")) from error
    return bunch.data, bunch.target


@contextmanager
def _timeout(seconds: float) -> Iterator[None]:
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def _columns(frame: pd.DataFrame) -> Tensor:
    import pandas as pd

    return torch.from_numpy(pd.get_dummies(frame).to_numpy("float32", copy=True))


def _are_pixels(inputs: Tensor) -> bool:
    whole = (inputs >= 0) & (inputs <= 255) & (inputs == inputs.round())
    return inputs.shape[1] >= 64 and bool(whole.all()) and inputs.max().item() > 1


def _scaled(train: Tensor, val: Tensor, scale: str) -> tuple[Tensor, Tensor]:
    if scale == "pixels" or (scale == "auto" and _are_pixels(train)):
        largest = train.max()
        return train / largest, val / largest
    means = train.nanmean(0).nan_to_num()
    train, val = (torch.where(part.isnan(), means, part) for part in (train, val))
    deviations = train.std(0, correction=0)
    deviations[deviations == 0] = 1
    return (train - means) / deviations, (val - means) / deviations


def _shaped(inputs: Tensor, image_shape: Sequence[int] | None, name: str) -> Tensor:
    if image_shape is None:
        return inputs
    try:
        return inputs.reshape(-1, *image_shape)
    except RuntimeError as error:
        rule = f"does not fit the {inputs.shape[1]} columns of {name}"
        raise InputError(Problem("dataset.image_shape", str(list(image_shape)), rule, "Leave it out.")) from error
