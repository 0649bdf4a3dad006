"""Your data and your network. ``conf/dataset/mine.yaml`` and ``conf/model/mine.yaml`` name them."""

import torch
from torch import Tensor, nn

from lrscope.datasets.data import Data, Part


def moons(name: str = "moons", seed: int = 0, examples: int = 600, noise: float = 0.15) -> Data:
    """Two half moons of points, one a class: float32 inputs [N, 2], int64 labels [N]. A fifth is kept to validate."""
    generator = torch.Generator().manual_seed(seed)
    angle = torch.rand(examples, generator=generator) * torch.pi
    label = torch.arange(examples) % 2
    sign = 1 - 2 * label
    points = torch.stack([angle.cos() * sign + label, angle.sin() * sign + 0.5 * label], dim=1)
    points += noise * torch.randn(points.shape, generator=generator)
    kept = examples // 5
    train, val = Part(points[kept:], label[kept:]), Part(points[:kept], label[:kept])
    return Data(name, "classification", train, val, classes=("upper", "lower"), source=f"made from seed {seed}")


class Net(nn.Module):
    """Two hidden layers. lrscope fills in ``input_shape`` (without the batch) and ``outputs`` from the data."""

    def __init__(self, input_shape: tuple[int, ...], outputs: int, width: int = 32) -> None:
        super().__init__()
        (features,) = input_shape
        self.layers = nn.Sequential(
            nn.Linear(features, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, outputs)
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)
