"""The gradient noise scale, on gradients whose scale is known."""

import pytest
import torch

from lrscope.core.found_rate import NoiseScale
from lrscope.probe.noise_scale import scale_of


def gradients(mean: float, deviation: float, batch: int, count: int, size: int = 4000) -> torch.Tensor:
    """Of ``count`` batches: the mean gradient of ``batch`` examples that have this mean and deviation each."""
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(count, size, generator=generator, dtype=torch.float64)
    return mean + deviation / batch**0.5 * noise


@pytest.mark.parametrize(("mean", "deviation", "batch"), ((1.0, 10.0, 16), (0.1, 2.0, 32), (1.0, 1.0, 8)))
def test_noise_over_signal(mean: float, deviation: float, batch: int) -> None:
    """tr(S) / |G|^2 of P equal and independent entries is (deviation / mean)^2: 100, 400 and 1."""
    found = scale_of(gradients(mean, deviation, batch, 32), batch, 7)
    assert found is not None and not found.at_least
    assert found.examples == pytest.approx((deviation / mean) ** 2, rel=0.1)
    assert (found.updates, found.batch_size) == (7, batch)


def test_a_gradient_that_drowns_gives_a_bound() -> None:
    assert scale_of(gradients(0.0, 1.0, 16, 32), 16, 7) == NoiseScale(512.0, 7, 16, at_least=True)


def test_by_hand() -> None:
    """Two batches of one example, gradients 3 and 1: mean square 5, square of the mean 4; signal 2·4 - 5 = 3, noise
    2·(5 - 4) = 2: a scale of 2/3 of an example."""
    found = scale_of(torch.tensor([[3.0], [1.0]], dtype=torch.float64), 1, 0)
    assert found is not None and found.examples == pytest.approx(2 / 3)


def test_what_is_not_finite_says_nothing() -> None:
    assert scale_of(torch.tensor([[float("inf")], [1.0]]), 1, 0) is None
