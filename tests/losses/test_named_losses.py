"""lrscope's losses against torch's and against numbers worked by hand."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from lrscope.losses.binary_cross_entropy import BinaryCrossEntropy
from lrscope.losses.class_weights import class_weights
from lrscope.losses.cross_entropy import CrossEntropy


def test_balanced_weights_are_the_inverse_shares_and_leave_the_mean_at_one() -> None:
    assert class_weights("balanced", (0.75, 0.25)) == pytest.approx([2 / 3, 2.0])
    assert class_weights([1, 3], (0.5, 0.5)) == [0.5, 1.5]
    assert class_weights("balanced", (0.5, 0.5, 0.0)) == [1.0, 1.0, 0.0]


@pytest.mark.parametrize(
    ("weight", "shares", "words"),
    [("even", (0.5, 0.5), "neither"), ("balanced", (), "in memory"), ([1, 2], (0.2, 0.3, 0.5), "3 classes"),
     ([0, 0], (0.5, 0.5), "above"), ([1, -1], (0.5, 0.5), "0 or above")],
)  # fmt: skip
def test_wrong_weights_are_refused(weight, shares, words) -> None:
    with pytest.raises(ValueError, match=words):
        class_weights(weight, shares)


def test_over_the_whole_part_it_is_torchs_weighted_cross_entropy_and_pieces_add_up() -> None:
    torch.manual_seed(0)
    answers, targets = torch.randn(8, 3), torch.tensor([0, 0, 0, 0, 1, 1, 2, 2])
    loss = CrossEntropy(0.1, [1.0, 2.0, 4.0], (0.5, 0.25, 0.25))
    whole = loss(answers, targets)
    expected = nn.CrossEntropyLoss(torch.tensor([1.0, 2.0, 4.0]), label_smoothing=0.1)(answers, targets)
    torch.testing.assert_close(whole, expected)
    pieces = (5 * loss(answers[:5], targets[:5]) + 3 * loss(answers[5:], targets[5:])) / 8
    torch.testing.assert_close(pieces, whole)


def test_one_logit_for_two_classes() -> None:
    answers, targets = torch.tensor([[0.0], [math.log(3)]]), torch.tensor([0, 1])
    assert float(BinaryCrossEntropy()(answers, targets)) == pytest.approx((math.log(2) + math.log(4 / 3)) / 2)
    weighted = BinaryCrossEntropy("balanced", (0.8, 0.2))
    assert float(weighted(answers, targets)) == pytest.approx((math.log(2) + 4 * math.log(4 / 3)) / 2)
