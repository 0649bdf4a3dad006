"""A residual network for images."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from lrscope.core.errors import InputError, Problem
from lrscope.models.sequence_inputs import check_sizes


class ResNet(nn.Module):
    """The residual network of He et al. 2015 for small images: [N, C, H, W] to [N, outputs].

    A convolution, three stages of blocks of two 3×3 convolutions each, the mean over the image, a linear layer. The
    second and the third stage halve height and width and double the channels.

    Args:
        depth: layers with weights on the longest way, 6n + 2 for n blocks a stage: 8, 14, 20 …
        width: channels of the first stage.
        batch_norm: normalise behind every convolution, which then has no bias.

    Raises:
        InputError: examples that are no images, a wrong number.
    """

    def __init__(
        self, input_shape: Sequence[int], outputs: int, depth: int = 8, width: int = 16, batch_norm: bool = True
    ) -> None:
        super().__init__()
        check_sizes(width=width)
        if len(input_shape) != 3:
            rule = "takes images [channels, height, width], but the dataset has examples of shape "
            raise InputError(Problem("model", "resnet", f"{rule}{list(input_shape)}", "Use model=mlp."))
        if depth < 8 or (depth - 2) % 6:
            nearest = 6 * max(1, round((depth - 2) / 6)) + 2
            raise InputError(Problem("model.depth", str(depth), "must be 8, 14, 20 … (6n + 2)", f"Use {nearest}."))
        layers: list[nn.Module] = [Convolution(input_shape[0], width, 1, batch_norm), nn.ReLU()]
        for stage in range(3):
            for block in range((depth - 2) // 6):
                first = stage > 0 and block == 0
                channels = width * 2**stage
                layers.append(ResidualBlock(channels // 2 if first else channels, channels, 1 + first, batch_norm))
        self.layers = nn.Sequential(*layers)
        self.answer = nn.Linear(4 * width, outputs)

    def forward(self, inputs: Tensor) -> Tensor:
        return self.answer(self.layers(inputs).mean((-2, -1)))


class Convolution(nn.Sequential):
    """3×3, with BatchNorm behind it or with a bias."""

    def __init__(self, before: int, after: int, stride: int, batch_norm: bool) -> None:
        norm = [nn.BatchNorm2d(after)] if batch_norm else []
        super().__init__(nn.Conv2d(before, after, 3, stride, padding=1, bias=not batch_norm), *norm)


class ResidualBlock(nn.Module):
    """Two convolutions, added to what goes in; where the shape changes, to a 1×1 convolution of it."""

    def __init__(self, before: int, after: int, stride: int, batch_norm: bool) -> None:
        super().__init__()
        self.first, self.act_1 = Convolution(before, after, stride, batch_norm), nn.ReLU()
        self.second, self.act_2 = Convolution(after, after, 1, batch_norm), nn.ReLU()
        self.shortcut = nn.Conv2d(before, after, 1, stride, bias=False) if before != after else nn.Identity()

    def forward(self, inputs: Tensor) -> Tensor:
        return self.act_2(self.second(self.act_1(self.first(inputs))) + self.shortcut(inputs))
