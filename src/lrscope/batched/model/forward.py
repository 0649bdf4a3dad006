"""The forward pass of all members at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

from lrscope.batched.model.mixed_types import cast_as_alone
from lrscope.batched.model.stack import Stack
from lrscope.training.copied_network import copied
from lrscope.training.measures import DeadUnits, DeadUnitsMeter


class Forward:
    """Calls one network with the stacked parameters of all.

    ``torch.vmap`` batches the forward pass only; gradients come from plain autograd of the sum of the members'
    losses, in which no member's loss depends on another's weights. Buffers that layers write (BatchNorm) are
    written member by member."""

    def __init__(self, network: nn.Module, stack: Stack) -> None:
        self.network = copied(network)
        self._stack = stack
        meter = DeadUnitsMeter(self.network)
        self._dead = meter if meter.found else None
        self._tied = _has_tied(network)
        self.logged: Sequence[Any] = ()
        """What the members logged in the latest pass; networks log nothing."""

    def __len__(self) -> int:
        return len(self._stack)

    def given(self, inputs: Tensor, _targets: Tensor) -> Any:
        """What of a batch the network is called with."""
        return inputs

    def train(self, inputs: Any, *, own: bool, parameters: Mapping[str, Tensor] | None = None) -> Tensor:
        """Outputs [M, B, ...] in training mode for inputs [B, ...], or [M, B, ...] where every member has its
        ``own``; with other trainable ``parameters`` than the stack's, where there are any.
        """
        self._train_mode()
        return self._call(self._outputs, inputs, own, parameters)

    def train_and_count_dead(self, inputs: Any, *, own: bool) -> tuple[Tensor, DeadUnits | None]:
        """The same with the share of dead units, [M] each; None where the network has no layer that can be
        watched.
        """
        if self._dead is None:
            return self.train(inputs, own=own), None
        self._train_mode()
        outputs, share, layers = self._call(self._outputs_and_dead, inputs, own)
        return outputs, DeadUnits(share, layers)

    def evaluate(self, inputs: Tensor) -> Tensor:
        """Outputs [M, B, ...] in evaluation mode, without gradients."""
        self.network.eval()
        with torch.no_grad():
            return self._call(self._outputs, inputs, False)

    def _train_mode(self) -> None:
        if not self.network.training:  # telling every layer costs as much as calling it
            self.network.train()

    def _call(
        self, function: Callable[..., Any], inputs: Any, own: bool, parameters: Mapping[str, Tensor] | None = None
    ) -> Any:
        everything = self._stack.everything() | dict(parameters or {})
        axes = {name: None if name in self._stack.shared else 0 for name in everything}
        batched = vmap(function, in_dims=(axes, 0, 0 if own else None), randomness="different")
        with cast_as_alone(self._stack.weights.device.type):
            return batched(everything, self._stack.buffers, inputs)

    def _outputs(self, parameters: dict[str, Tensor], buffers: dict[str, Tensor], inputs: Any) -> Any:
        return functional_call(self.network, (parameters, buffers), (inputs,), tie_weights=self._tied)

    def _outputs_and_dead(
        self, parameters: dict[str, Tensor], buffers: dict[str, Tensor], inputs: Any
    ) -> tuple[Any, Tensor, tuple[Tensor, ...]]:
        assert self._dead is not None
        self._dead.listen()
        outputs = self._outputs(parameters, buffers, inputs)
        dead = self._dead.read()
        if dead is None:
            raise RuntimeError("none of its activation layers ran")
        return outputs, dead.share, dead.layers


def _has_tied(network: nn.Module) -> bool:
    """Whether a tensor has several names: torch looks for such at every call, unless told that there are none."""
    tensors = [*network.named_parameters(remove_duplicate=False), *network.named_buffers(remove_duplicate=False)]
    return len({id(tensor) for _, tensor in tensors}) < len(tensors)
