"""A call's arguments as words of the command line: what Hydra makes of them is what was given."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from lrscope.api.call_words import sweep_words, train_words
from lrscope.core.errors import InputError
from lrscope.models.linear import Linear
from lrscope.models.mlp import MLP


@pytest.mark.parametrize(
    "value",
    [
        1,
        0.01,
        1e-5,
        -3,
        True,
        None,
        "cnn",
        "a b",
        "it's",
        "a,b=c",
        "50%",
        "[x]",
        "",
        [64, 32],
        [0.9, 0.999],
        ["a b", 1],
    ],
)
def test_hydra_reads_back_what_was_given(value: Any) -> None:
    (word,) = train_words([], {"key": value})
    assert OverridesParser.create().parse_override(word).value() == value


def test_a_number_of_numpy_is_a_number() -> None:
    assert train_words([], {"lr": np.float64(0.01)}) == ["lr=0.01"]
    assert sweep_words([], {"lr": np.logspace(-3, -1, 3)}) == ["-m", "lr=0.001,0.01,0.1"]


def test_keys_within_a_group() -> None:
    expected = ["optimizer.weight_decay=0.1", "optimizer.betas=[0.9,0.99]"]
    assert train_words([], {"optimizer__weight_decay": 0.1, "optimizer": {"betas": [0.9, 0.99]}}) == expected


def test_the_items_of_a_list_are_the_values_of_an_axis() -> None:
    words = sweep_words(["epochs=20"], {"lr": [1, 0.01], "seed": range(3), "model__hidden": [[8], [8, 4]], "epochs": 2})
    assert words == ["-m", "epochs=20", "lr=1,0.01", "seed=0,1,2", "model.hidden=[8],[8,4]", "epochs=2"]


def test_classes_are_named_where_they_can_be_found_again() -> None:
    assert train_words([], {"model": MLP}) == ["model._target_=lrscope.models.mlp.MLP"]
    assert sweep_words([], {"model": [MLP, Linear]}) == [
        "-m",
        "model._target_=lrscope.models.mlp.MLP,lrscope.models.linear.Linear",
    ]


def test_what_cannot_be_said_is_refused() -> None:
    class Local:
        pass

    for thing in (Local, lambda: None, np.float64(1).item):
        with pytest.raises(InputError, match=r"model.*stands at the top of a module"):
            train_words([], {"model": thing})
    with pytest.raises(InputError, match="no value to sweep over"):
        sweep_words([], {"lr": []})
    for pair in ((1e-5,), (1e-5, 1, 10), ("low", "high"), (True, False)):
        with pytest.raises(InputError, match="a tuple is an interval"):
            sweep_words([], {"lr": pair})


def test_a_pair_is_an_interval() -> None:
    assert sweep_words([], {"lr": (1e-5, 10)}) == ["-m", "lr=interval(1e-05,10)"]
    assert sweep_words([], {"batch_size": (16, 256)}) == ["-m", "batch_size=int(interval(16,256))"]
