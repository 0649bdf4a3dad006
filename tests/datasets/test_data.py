"""Data and its digest."""

from __future__ import annotations

import re

import pytest
import torch

from lrscope.core.errors import InputError
from lrscope.datasets.conform import conformed
from lrscope.datasets.data import Data, Part


def classes(seed: int = 0, **changed) -> Data:
    generator = torch.Generator().manual_seed(seed)
    part = Part(torch.rand(6, 3, generator=generator), torch.tensor([0, 0, 0, 1, 1, 2]))
    return Data(**{"name": "toy", "task": "classification", "train": part, "classes": ("a", "b", "c")} | changed)


def test_shapes_and_shares():
    data = classes()
    assert (data.input_shape, data.outputs, len(data.train)) == ((3,), 3, 6)
    assert data.class_shares == pytest.approx((1 / 2, 1 / 3, 1 / 6))


def test_regression_answers_with_its_targets_and_has_no_shares():
    data = Data("toy", "regression", Part(torch.zeros(4, 1), torch.zeros(4, 2)))
    assert (data.outputs, data.class_shares) == (2, ())


def test_the_digest_is_of_the_numbers_alone():
    assert classes().digest == classes(name="other", source="elsewhere").digest
    assert len(classes().digest) == 16


@pytest.mark.parametrize(
    "other",
    [
        classes(seed=1),
        classes(val=classes().train),
        classes(train=Part(classes().train.inputs.double(), classes().train.targets)),
        classes(train=Part(classes().train.inputs.reshape(6, 3, 1), classes().train.targets)),
        classes(train=Part(classes().train.inputs, torch.tensor([0, 0, 0, 1, 1, 1]))),
    ],
    ids=["numbers", "a part more", "dtype", "shape", "targets"],
)
def test_the_digest_tells_other_data(other):
    assert other.digest != classes().digest


def test_inputs_and_targets_must_fit():
    with pytest.raises(ValueError, match="3 inputs do not fit 2 targets"):
        Part(torch.zeros(3, 1), torch.zeros(2))


@pytest.mark.parametrize(
    ("inputs", "targets", "words"),
    [
        (torch.zeros(4, 0), torch.zeros(4, dtype=torch.long), "inputs have the shape [4, 0]"),
        (torch.zeros(4, 0, dtype=torch.long), torch.zeros(4, dtype=torch.long), "inputs have the shape [4, 0]"),
        (torch.zeros(4, 2), torch.zeros(4, 0), "targets are float32 [4, 0]"),
    ],
)
def test_examples_without_a_number_are_refused(inputs, targets, words):
    task = "regression" if targets.is_floating_point() else "classification"
    with pytest.raises(InputError, match=re.escape(words)):
        conformed(Data("own", task, Part(inputs, targets), classes=("a", "b")), "own.data")
