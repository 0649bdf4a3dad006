"""OpenML by name: what becomes of its columns, and what is said without a network. No test goes online."""

from __future__ import annotations

from types import SimpleNamespace
from urllib.error import URLError

import numpy as np
import pandas as pd
import pytest
import sklearn.datasets
import torch

from lrscope.core.errors import InputError
from lrscope.datasets.openml import openml


@pytest.fixture
def offered(monkeypatch):
    """What OpenML answers, and what it was asked."""
    state = SimpleNamespace(frame=None, target=None, error=None, asked=None)

    def fetch(name, **arguments):
        state.asked = {"name": name, **arguments}
        if state.error is not None:
            raise state.error
        return SimpleNamespace(data=state.frame, target=state.target)

    monkeypatch.setattr(sklearn.datasets, "fetch_openml", fetch)
    return state


def mixed(n: int = 100) -> pd.DataFrame:
    generator = np.random.default_rng(0)
    frame = pd.DataFrame({"size": generator.normal(50, 9, n), "same": 7.0})
    frame["colour"] = pd.Categorical(np.where(np.arange(n) % 2, "red", "blue"))
    frame.loc[3, "size"] = np.nan
    return frame


def names(n: int = 100) -> pd.Series:
    return pd.Series(pd.Categorical(["yes" if k % 4 else "no" for k in range(n)]))


def test_columns_are_scaled_by_the_training_part(offered):
    offered.frame, offered.target = mixed(), names()
    data = openml("mixed", seed=1)
    assert (len(data.train), len(data.val), data.input_shape, data.classes) == (80, 20, (4,), ("no", "yes"))
    assert torch.isfinite(data.train.inputs).all()
    assert data.train.inputs.mean(0).abs().max() < 1e-5
    np.testing.assert_allclose(data.train.inputs.std(0, correction=0), [1, 0, 1, 1], atol=2e-2)


def test_pixels_are_divided_by_the_largest_and_may_be_images(offered):
    generator = np.random.default_rng(0)
    offered.frame = pd.DataFrame(generator.integers(0, 256, (100, 64)))
    offered.frame.iloc[:, 0] = 255
    offered.target = names()
    data = openml("mnist_784", image_shape=[1, 8, 8])
    assert data.input_shape == (1, 8, 8)
    assert (data.train.inputs.min(), data.train.inputs.max()) == (0, 1)


def test_it_is_kept_in_the_projects_data_folder(offered, monkeypatch):
    monkeypatch.setenv("LRSCOPE_ROOT", "/project")
    offered.frame, offered.target = mixed(), names()
    openml("mixed", version=2)
    assert offered.asked["data_home"] == "/project/data/openml" and offered.asked["version"] == 2


def test_without_a_network_it_says_so(offered):
    offered.error = URLError("Name or service not known")
    with pytest.raises(InputError) as error:
        openml("mnist_784")
    words = str(error.value)
    assert "dataset.name=mnist_784" in words and "OpenML cannot be reached (Name or service not known)" in words
    assert "dataset=digits" in words


def test_other_mistakes_are_named(offered):
    offered.error = ValueError("No active dataset nosuch found.")
    with pytest.raises(InputError, match=r"No active dataset nosuch found. Look for names on openml.org"):
        openml("nosuch")
    offered.error, offered.frame, offered.target = None, mixed(), pd.Series(np.arange(100.0))
    with pytest.raises(InputError, match="its target is a number, not a class"):
        openml("prices")
    offered.target = names()
    with pytest.raises(InputError, match=r"dataset.image_shape=\[3, 3\]: does not fit the 4 columns of mixed"):
        openml("mixed", image_shape=[3, 3])
    with pytest.raises(InputError, match=r"dataset.scale=log: must be one of auto, pixels, columns"):
        openml("mixed", scale="log")
