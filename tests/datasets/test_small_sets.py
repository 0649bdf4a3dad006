"""digits, line and blobs: shapes, splits, and digests that stay what they are."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from lrscope.core.errors import InputError
from lrscope.datasets.blobs import blobs
from lrscope.datasets.digits import digits
from lrscope.datasets.line import line
from lrscope.datasets.split import stratified


def test_digits():
    data = digits()
    assert (len(data.train), len(data.val), data.input_shape, data.outputs) == (1437, 360, (1, 8, 8), 10)
    assert (data.train.inputs.min(), data.train.inputs.max()) == (0, 1)
    assert data.train.inputs.dtype == torch.float32 and data.train.targets.dtype == torch.int64
    assert min(data.class_shares) > 0.096 and max(data.class_shares) < 0.102


def test_digits_are_all_there_once():
    data = digits(seed=3)
    pixels = torch.cat([data.train.inputs, data.val.inputs]).sum()
    assert pixels.item() * 16 == pytest.approx(561718)


def test_digits_are_those_that_load_digits_gives():
    from sklearn.datasets import load_digits

    data, bunch = digits(), load_digits()
    shown = {
        (tuple(image.flatten().tolist()), int(digit)) for image, digit in zip(bunch.images, bunch.target, strict=True)
    }
    mine = {
        (tuple((image.flatten() * 16).tolist()), int(digit))
        for part in (data.train, data.val)
        for image, digit in zip(part.inputs, part.targets, strict=True)
    }
    assert mine == shown


def test_a_split_keeps_the_share_of_each_class():
    targets = torch.tensor([0] * 50 + [1] * 30 + [2] * 23)
    train, val = stratified(torch.arange(103.0).unsqueeze(1), targets, 0.2, seed=4)
    assert val.targets.bincount().tolist() == [10, 6, 5], "10, 6 and 4.6 of 20.6, and 21 in all"
    assert train.targets.bincount().tolist() == [40, 24, 18]
    assert sorted(torch.cat([train.inputs, val.inputs]).flatten().tolist()) == list(range(103))
    with pytest.raises(InputError, match="class 1 has 1 examples"):
        stratified(torch.zeros(9, 1), torch.tensor([0] * 8 + [1]), 0.2, seed=0)


def test_the_split_of_digits_is_decided_by_its_seed_alone():
    torch.manual_seed(1)
    np.random.seed(1)
    first = digits(seed=1).digest
    torch.manual_seed(2)
    np.random.seed(2)
    assert digits(seed=1).digest == first != digits(seed=2).digest


def test_digests_are_fixed():
    """A recorded run names its data by these: a change of them is a change of the data."""
    assert digits().digest == "498e081ddb8fde6d"
    assert line().digest == "83097de9b9bee60c"
    assert blobs().digest == "dd79881733cc23ed"


def test_a_fraction_that_cannot_be_split_is_refused():
    with pytest.raises(InputError, match=r"dataset.val_fraction=1.5: cannot split"):
        digits(val_fraction=1.5)


def test_line():
    data = line()
    assert data.train.inputs.tolist() == [[1], [2], [3], [4]]
    assert data.train.targets.tolist() == [[3], [6], [9], [12]]
    assert (data.task, data.val, data.outputs) == ("regression", None, 1)


def test_the_limit_that_line_names():
    x = torch.cat([line().train.inputs, torch.ones(4, 1)], 1).double()
    largest = torch.linalg.eigvalsh(2 * x.T @ x / 4)[-1].item()
    assert largest == pytest.approx(16.7006, abs=5e-5)
    assert 2 / largest == pytest.approx(0.11976, abs=5e-6)


def test_blobs():
    data = blobs()
    assert (len(data.train), len(data.val), data.input_shape, data.outputs) == (1200, 300, (5,), 2)
    assert data.class_shares == (0.5, 0.5)


def test_blobs_lie_as_far_apart_as_asked():
    data = blobs(examples=40_000, distance=4.0)
    inputs, classes = data.train.inputs.double(), data.train.targets
    centres = [inputs[classes == k].mean(0) for k in (0, 1)]
    assert (centres[1] - centres[0]).norm().item() == pytest.approx(4.0, abs=0.05)
    assert inputs[classes == 0].std(0).mean().item() == pytest.approx(1.0, abs=0.02)


def test_blobs_follow_their_seed():
    assert blobs(seed=1).digest == blobs(seed=1).digest != blobs(seed=2).digest


def test_blobs_without_examples_are_refused():
    with pytest.raises(InputError) as error:
        blobs(examples=0, features=0)
    assert [problem.key for problem in error.value.problems] == ["dataset.examples", "dataset.features"]
