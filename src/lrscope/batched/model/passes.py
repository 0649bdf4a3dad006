"""Losses and gradients of one batch: as the network is written, and, where that repeats, as a list of operations, or
compiled.

Saves a third of a step of 3 small networks, a tenth of the command that trains them (benchmarks/hack_parts.py).
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.fx import GraphModule

from lrscope.batched.model.compiled_pass import Compiling, Pass, close, compiled
from lrscope.batched.model.forward import Forward
from lrscope.batched.model.loss_scales import LossScales
from lrscope.batched.model.losses import Loss, member_losses
from lrscope.batched.model.stack import CannotStack, Stack
from lrscope.batched.model.within_rounding import CLOSE, MIXED_CLOSE
from lrscope.models.activation import ACTIVATIONS
from lrscope.models.cnn import CNN
from lrscope.models.linear import Linear
from lrscope.models.mlp import MLP

PURE = frozenset(
    {
        *(MLP, CNN, Linear, nn.Sequential, nn.Flatten, nn.Identity, nn.Linear, nn.Conv1d, nn.Conv2d),
        *(nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d, nn.LayerNorm),
        *ACTIVATIONS.values(),
    }
)
"""Layers whose pass is the same operations each time: they draw nothing, keep nothing, and look at no number."""

WORTH_TRACING = 250
"""Passes of one kind after which it is traced. That takes 0.1 s and saves 0.2 to 0.4 ms a pass of a small network: a
run that ends here has lost nothing, and none loses more than as much again.
"""

Kind = tuple[Any, ...]


class Passes:
    """Takes batches through a stack, forward and back.

    vmap, autograd and the layers' own Python decide at every pass what to compute, and decide the same: for small
    networks that is half of a step. So a pass of layers that are known to be ``PURE`` is written down once, by
    torch's own tracer (``make_fx``), and from then on only repeated: the same operations on the same memory layouts,
    hence the same bits. That is tried on the batch at hand; a list that gives other bits is never used.

    A stack whose ``compiling`` says so has the list compiled, from its first pass on.
    """

    def __init__(
        self,
        forward: Forward,
        stack: Stack,
        loss: Loss,
        accumulate: int = 1,
        trace_after: int = WORTH_TRACING,
        scales: LossScales | None = None,
        compiling: Compiling | None = None,
    ) -> None:
        self._forward = forward
        self._stack = stack
        self._loss = loss
        self._accumulate = accumulate
        self._trace_after = trace_after
        self._scales = scales
        pure = all(type(layer) in PURE for layer in forward.network.modules()) and not stack.buffers
        self._pure = pure and scales is None  # which moves
        self.compiling = compiling if self._pure else None
        self._seen: Counter[Kind] = Counter()
        self._traced: dict[Kind, Pass | None] = {}

    def __call__(self, inputs: Any, targets: Tensor, *, own: bool) -> tuple[Tensor, Sequence[Tensor]]:
        """Losses [M] of a batch and the gradients of the stack's leaves (scaled, where there are loss scales), without
        what made them.
        """
        if not self._pure:
            return self.back(self._forward.train(inputs, own=own), targets, own=own)
        kind = self._kind(inputs, targets, own)
        traced = self._traced.get(kind)
        if traced is not None:
            with torch.no_grad():
                numbers = traced(*self._stack.leaves, inputs, targets)
            return numbers[0], numbers[1:]
        losses, gradients = self.back(self._forward.train(inputs, own=own), targets, own=own)
        if self.compiling is not None and self.compiling.takes(targets, own=own):
            return self._compiled(kind, inputs, targets, own, [losses, *gradients])
        self._seen[kind] += 1
        if self._seen[kind] == self._trace_after and inputs.device.type == "cpu":
            self._traced[kind] = self._trace(inputs, targets, own, [losses, *gradients])
        return losses, gradients

    def of_fewer(self, done: int) -> None:
        """The stack has become smaller, with so many updates done."""
        self.compiling = self.compiling.of_fewer(done) if self.compiling is not None else None

    def back(self, outputs: Tensor, targets: Tensor, *, own: bool) -> tuple[Tensor, Sequence[Tensor]]:
        """The same from the outputs [M, B, ...] on."""
        return self._back(outputs, targets, self._stack.leaves, own)

    def _back(
        self, outputs: Tensor, targets: Tensor, leaves: Sequence[Tensor], own: bool
    ) -> tuple[Tensor, Sequence[Tensor]]:
        losses = member_losses(self._loss, outputs, targets, own=own)
        shares = losses / self._accumulate if self._accumulate > 1 else losses
        total = (self._scales.scaled(shares) if self._scales is not None else shares).sum()
        with _without_autocast(total.device.type):
            gradients = torch.autograd.grad(total, leaves, allow_unused=True)
        if any(gradient is None for gradient in gradients):
            raise CannotStack("a parameter takes no part in the loss")
        return losses.detach(), gradients

    def _kind(self, inputs: Tensor, targets: Tensor, own: bool) -> Kind:
        """What decides which operations a pass is made of, and on which layouts."""
        layouts = ((t.shape, t.stride(), t.dtype) for t in (inputs, targets))
        return (len(self._stack), own, torch.is_autocast_enabled(inputs.device.type), *layouts)

    def _trace(self, inputs: Tensor, targets: Tensor, own: bool, known: Sequence[Tensor]) -> Pass | None:
        """The pass as a list of operations; None where it does not give the numbers that are ``known``."""
        graph, tensors = self._written_down(inputs, targets, own)
        traced: Pass = graph.forward
        with torch.no_grad():
            same = all(map(_same, traced(*tensors), known))
        return traced if same else None

    def _compiled(
        self, kind: Kind, inputs: Tensor, targets: Tensor, own: bool, known: Sequence[Tensor]
    ) -> tuple[Tensor, Sequence[Tensor]]:
        """Compile the passes of this kind, and take this one by what was made; those that are ``known`` where it cannot
        be compiled, from now on.
        """
        assert self.compiling is not None
        try:
            graph, tensors = self._written_down(inputs, targets, own)
            with torch.no_grad():
                made, numbers = compiled(graph, tensors)
                mixed = torch.is_autocast_enabled(inputs.device.type)
                right = close(numbers, known, MIXED_CLOSE if mixed else CLOSE)
            reason = None if right else "the compiler made something else of it"
        except Exception as error:  # the compiler's, of many kinds
            reason = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"[:300]
        if reason is not None:
            warnings.warn(f"the step of {len(self._stack)} members is not compiled ({reason})", stacklevel=2)
            self.compiling = replace(self.compiling, now=False)
            return known[0], known[1:]
        self._traced[kind] = made
        return numbers[0], numbers[1:]

    def _written_down(self, inputs: Tensor, targets: Tensor, own: bool) -> tuple[GraphModule, list[Tensor]]:
        """The pass as operations on leaves, inputs and targets, and those of this batch."""
        from torch.fx.experimental.proxy_tensor import make_fx
        from torch.fx.graph import CodeGen

        names = list(self._stack.parameters)

        def whole(*tensors: Tensor) -> list[Tensor]:
            leaves = [tensor.detach().requires_grad_() for tensor in tensors[:-2]]
            outputs = self._forward.train(tensors[-2], own=own, parameters=dict(zip(names, leaves, strict=True)))
            losses, gradients = self._back(outputs, tensors[-1], leaves, own)
            return [losses, *gradients]

        tensors = [*(leaf.detach() for leaf in self._stack.leaves), inputs, targets]
        graph = make_fx(whole)(*tensors)
        graph.graph.set_codegen(CodeGen())  # flat tensors come and go: no tree of arguments to take apart
        graph.recompile()
        return graph, tensors


def _same(one: Tensor, other: Tensor) -> bool:
    """To the last bit; a member that has diverged has nan in both."""
    return bool(torch.allclose(one, other, rtol=0, atol=0, equal_nan=True))


def _without_autocast(device: str) -> AbstractContextManager[Any]:
    """Gradients are computed outside of autocast, as Lightning does it for a run alone."""
    return torch.autocast(device, enabled=False) if torch.is_autocast_enabled(device) else nullcontext()
