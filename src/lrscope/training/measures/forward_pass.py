"""What a forward pass shows: units that pass nothing on, and outputs that do not depend on the input."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from lrscope.training.measures import DeadUnitsMeter, SpreadMeter

MOST_PASSES = 4
"""So many outputs of a module are looked at in an update: an optimizer with a closure makes many passes."""
FEWEST = 2
"""Examples below which outputs have no spread."""
ALIKE = "answers_alike"
"""1 where one number is answered, and the same for every example of the batch; else 0. How far such answers spread says
nothing by itself: they may lie at 2000 ± 10."""
SAME = 1e-6
"""Relative spread up to which answers are the same: rounding."""


class TrainingPasses(DeadUnitsMeter):
    """Dead units of passes that train: an evaluation between them is not looked at."""

    def _hook(self, alive: Any) -> Callable[[nn.Module, tuple[Tensor, ...], Tensor], None]:
        take, passes = super()._hook(alive), 0

        def hook(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
            nonlocal passes
            if module.training and torch.is_grad_enabled() and passes < MOST_PASSES and output.dim() > 1:
                passes += 1
                take(module, inputs, output)

        return hook


class ForwardPass:
    """Hooks on a network, there only while an update is measured; they keep what they see and give nothing back.

    Args:
        spread: whether answers of this network spread at all: not where one number is answered that may lie anywhere.
    """

    def __init__(self, network: nn.Module, spread: bool | None = None) -> None:
        self._network = network
        self._dead = TrainingPasses(network)
        self._wants_spread = spread
        self._handle: RemovableHandle | None = None
        self._output: Tensor | None = None

    def listen(self) -> None:
        """Look at the passes that follow."""
        self._output = None
        if self._dead.found:
            self._dead.listen()
        self._handle = self._network.register_forward_hook(self._keep)

    @torch.no_grad()
    def read(self) -> dict[str, Tensor]:
        """What was seen, as 0-dim tensors; the hooks are gone."""
        seen: dict[str, Tensor] = {}
        if self._handle is not None:
            self._handle.remove()
            self._handle = None
        if self._dead.found and (dead := self._dead.read()) is not None:
            seen["dead_units"] = dead.share
            if len(dead.layers) > 1:
                seen |= {f"dead_units/{k}": share for k, share in enumerate(dead.layers, start=1)}
        if (output := self._output) is not None:
            meter = SpreadMeter()
            meter.add(output.float())
            if self._is_number(output):
                seen[ALIKE] = (meter.value() < SAME).float()
            else:
                seen["output_spread"] = meter.value()
            self._output = None
        return seen

    def _keep(self, module: nn.Module, _inputs: Any, output: Any) -> None:
        if self._output is not None or not (module.training and torch.is_grad_enabled()):
            return
        answers = answers_of(output)
        if answers is None or len(answers) < FEWEST:
            return
        if answers.dim() > 1:
            self._output = answers.detach()

    def _is_number(self, answers: Tensor) -> bool:
        """Whether the answers are numbers that may lie anywhere, as far as that is known."""
        return self._wants_spread is False or (self._wants_spread is None and answers[0].numel() == 1)


def answers_of(output: Any) -> Tensor | None:
    """The tensor of the answers in what a network gives: itself, the first of several, or ``logits``; None where there
    is none of floating point.
    """
    if isinstance(output, Tensor):
        return output if output.is_floating_point() and output.dim() > 0 else None
    if hasattr(output, "logits"):
        return answers_of(output.logits)
    if isinstance(output, Mapping):
        return answers_of(output.get("logits", next(iter(output.values()), None)))
    if isinstance(output, Sequence) and output and not isinstance(output, str):
        return answers_of(output[0])
    return None


def network_within(module: nn.Module) -> nn.Module:
    """The one child that is trained, where there is but one: a ``training_step`` calls it past the module itself."""
    children = [child for child in module.children() if any(p.requires_grad for p in child.parameters())]
    own = any(p.requires_grad for p in module.parameters(recurse=False))
    return children[0] if len(children) == 1 and not own else module
