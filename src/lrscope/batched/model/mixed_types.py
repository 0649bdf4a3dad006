"""Layers and losses under vmap and autocast: in the types that they have alone.

autocast acts behind vmap, which takes some functions apart before: of a layer with a bias only the product would be
made in half precision, and what it gives, and all behind it, in float32; a loss, which alone is computed in float32,
would be computed in half precision.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode

IN_HALF = frozenset({functional.linear, torch.conv1d, torch.conv2d, torch.conv3d, torch.addmm, torch.baddbmm})
IN_FLOAT32 = frozenset(
    {
        *(functional.cross_entropy, functional.nll_loss, functional.binary_cross_entropy_with_logits),
        *(functional.mse_loss, functional.l1_loss, functional.smooth_l1_loss, functional.huber_loss),
        *(functional.kl_div, functional.poisson_nll_loss),
    }
)


class _CastAsAlone(TorchFunctionMode):
    def __init__(self, half: torch.dtype) -> None:
        super().__init__()
        self._half = half

    def __torch_function__(
        self, func: Callable[..., Any], _types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        named = kwargs or {}
        if func in IN_HALF:
            return self._cast(func, args, named, torch.float32, self._half)
        if func in IN_FLOAT32:
            return self._cast(func, args, named, self._half, torch.float32)
        return func(*args, **named)

    def _cast(
        self, func: Callable[..., Any], args: Sequence[Any], named: Mapping[str, Any], of: torch.dtype, to: torch.dtype
    ) -> Any:
        def cast(value: Any) -> Any:
            return value.to(to) if isinstance(value, Tensor) and value.dtype == of else value

        return func(*map(cast, args), **{name: cast(value) for name, value in named.items()})


def cast_as_alone(device: str) -> AbstractContextManager[Any]:
    """Around a call of vmap on that kind of device."""
    if not torch.is_autocast_enabled(device):
        return nullcontext()
    return _CastAsAlone(torch.get_autocast_dtype(device))
