"""What a network tells of itself before the first update: what bounds its answers, which of its units are flat."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from lrscope.core.run_facts import RunFacts
from lrscope.training.generators import same_generators

EXAMPLES = 16
"""So many examples are shown to it, spread evenly over the training part."""

FLAT = 0.01
"""A saturating unit is flat where its derivative is below this share of its largest value."""

_BOUNDED = {
    "SoftmaxBackward": "softmax", "SigmoidBackward": "sigmoid", "TanhBackward": "tanh", "HardtanhBackward": "hardtanh",
    "HardsigmoidBackward": "hardsigmoid", "ReluBackward": "relu", "SoftplusBackward": "softplus",
}  # fmt: skip
_RESHAPES = ("View", "Squeeze", "Unsqueeze", "Reshape", "Transpose", "TBackward", "Permute", "UnsafeView", "Alias",
             "Clone", "ToCopy", "Contiguous")  # fmt: skip
_STEEPEST = {"SigmoidBackward": lambda out: 4 * out * (1 - out), "TanhBackward": lambda out: 1 - out.square()}


def with_network_facts(facts: RunFacts, network: nn.Module, inputs: Tensor | None) -> RunFacts:
    """The facts of a run and of the network that it starts from.

    ``inputs``: of the training part, None where they do not lie in memory. Network and random numbers stay as they are.
    """
    layers = list(network.modules())
    dropped = [float(m.p) for m in layers if isinstance(m, nn.modules.dropout._DropoutNd)]
    facts = replace(
        facts,
        parameters=sum(p.numel() for p in network.parameters() if p.requires_grad),
        dropout=max(dropped, default=0.0),
        batch_norm=any(isinstance(m, nn.modules.batchnorm._BatchNorm) for m in layers),
    )
    if inputs is None or not len(inputs):
        return facts
    try:
        answers = _answer(network, inputs)
    except Exception:  # what is wrong with a network is told elsewhere
        return facts
    return replace(facts, answers=_bound_of(answers), saturated=_saturated(answers))


def bound_of(network: nn.Module, inputs: Tensor) -> str | None:
    """The function that its answers come out of, where it bounds them: ``softmax``, ``sigmoid`` …"""
    return _bound_of(_answer(network, inputs))


def _answer(network: nn.Module, inputs: Tensor) -> Tensor:
    first = next(network.parameters(), None)
    pick = torch.linspace(0, len(inputs) - 1, min(len(inputs), EXAMPLES)).round().long()
    some = inputs[pick.to(inputs.device)]
    if first is not None:
        some = some.to(first.device, first.dtype if some.is_floating_point() else None)
    training = [module for module in network.modules() if module.training]
    network.eval()
    try:
        with same_generators(some.device), torch.enable_grad():
            return network(some)
    finally:
        for module in training:
            module.training = True


def _bound_of(answers: Tensor) -> str | None:
    node = answers.grad_fn
    while node is not None and node.name().startswith(_RESHAPES):
        node = node.next_functions[0][0]
    name = _kind(node)
    if name in _BOUNDED:
        return _BOUNDED[name]
    rows = answers.detach()
    if (
        rows.dim() == 2
        and rows.shape[1] > 1
        and bool((rows >= 0).all())
        and bool(((rows.sum(1) - 1).abs() < 1e-4).all())
    ):
        return "softmax"
    return None


def _saturated(answers: Tensor) -> float | None:
    """Over all saturating functions between inputs and answers; None where there is none."""
    flat = total = 0
    for node in _nodes(answers):
        steepness = _STEEPEST.get(_kind(node))
        if steepness is not None and (out := getattr(node, "_saved_result", None)) is not None:
            flat += int((steepness(out.detach()) < FLAT).sum())
            total += out.numel()
    return flat / total if total else None


def _nodes(answers: Tensor) -> Iterator[Any]:
    """Of the graph behind the answers, each once; without the function that they come out of."""
    waiting, seen = [answers.grad_fn], set()
    while waiting:
        node = waiting.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        if node is not answers.grad_fn:
            yield node
        waiting += [next_node for next_node, _ in node.next_functions]


def _kind(node: Any) -> str:
    """``SoftmaxBackward`` of autograd's ``SoftmaxBackward0``."""
    return node.name().rstrip("0123456789") if node is not None else ""
