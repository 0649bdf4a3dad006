"""Units that no longer pass anything on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

SATURATED = 1e-4
"""A saturating unit counts as dead for an example where its derivative is below this share of its largest value:
tanh beyond |z| = 5.3, sigmoid beyond 10.6. An Adam step of 1e-3 would need thousands of steps to bring it back."""

PassesGradient = Callable[[Tensor], Tensor]

_LIVE: dict[type[nn.Module], PassesGradient] = {
    nn.ReLU: lambda out: out,  # what is not 0 counts as alive
    nn.ReLU6: lambda out: (out != 0) & (out != 6),
    nn.Hardtanh: lambda out: out.abs() < 1,
    nn.Tanh: lambda out: 1 - out.square() > SATURATED,
    nn.Sigmoid: lambda out: 4 * out * (1 - out) > SATURATED,
}


@dataclass(frozen=True)
class DeadUnits:
    """Share of dead hidden units, 0..1, as 0-dim tensors: over the units of all layers, and layer by layer."""

    share: Tensor
    layers: tuple[Tensor, ...]


def dead_share(output: Tensor, live: PassesGradient | None = None) -> Tensor:
    """Share of the units of one activation layer that are dead on this batch: a 0-dim tensor in 0..1.

    ``output`` is [N, units] or [N, channels, ...] (a channel is a unit; it is dead where it is dead at every position
    of every example). ReLU: a unit is dead when its output is 0 for every example of the batch. Tanh and sigmoid are
    never 0 nor flat; there a unit is dead when it is saturated for every example: derivative below ``SATURATED`` of
    its largest value.
    """
    alive = _alive(output, live)
    return 1 - alive.sum() / alive.numel()


def _alive(output: Tensor, live: PassesGradient | None) -> Tensor:
    """[units] bool: which units are alive for some example."""
    passes = output if live is None else live(output)
    if passes.dim() > 2:
        passes = passes.flatten(2).any(-1)
    return passes.any(0)


class DeadUnitsMeter:
    """Watches the activation modules of a network (ReLU, ReLU6, Hardtanh, Tanh, Sigmoid) during one forward pass.

    ``listen`` ahead of the measured forward pass, ``read`` behind it. Hooks exist only in between, so steps that are
    not measured cost nothing. Activations applied as functions (``F.relu``) cannot be seen; ``found`` is then False.
    """

    def __init__(self, model: nn.Module) -> None:
        self._layers = [(m, _LIVE[type(m)]) for m in model.modules() if type(m) in _LIVE]
        self._handles: list[RemovableHandle] = []
        self._seen: list[Tensor] = []
        self._units: tuple[int, ...] = ()
        self._share_of = torch.empty(0)

    @property
    def found(self) -> bool:
        """Whether the network has an activation module that can be watched."""
        return bool(self._layers)

    def listen(self) -> None:
        """Installs the hooks for the forward pass that follows."""
        self._seen.clear()
        for module, live in self._layers:
            self._handles.append(module.register_forward_hook(self._hook(live)))

    def read(self) -> DeadUnits | None:
        """Removes the hooks; the shares of the last forward pass, layers in the order in which they ran.

        None where no watched layer ran.
        """
        for handle in self._handles:
            handle.remove()
        self._handles.clear()
        if not self._seen:
            return None
        counts = torch.stack([torch.count_nonzero(alive) for alive in self._seen]).to(torch.float32)
        *layers, share = (1 - torch.mv(self._weights(counts.device), counts)).unbind()
        self._seen.clear()
        return DeadUnits(share, tuple(layers))

    def _weights(self, device: torch.device) -> Tensor:
        """[layers + 1, layers]: turns counts of live units into shares, of each layer and of all."""
        units = tuple(alive.numel() for alive in self._seen)
        if self._units != units or self._share_of.device != device:
            each = torch.diag(1 / torch.tensor(units, dtype=torch.float32))
            total = torch.full((1, len(units)), 1 / sum(units), dtype=torch.float32)
            self._units, self._share_of = units, torch.cat([each, total]).to(device)
        return self._share_of

    def _hook(self, live: PassesGradient) -> Callable[[nn.Module, tuple[Tensor, ...], Tensor], None]:
        def hook(_module: nn.Module, _inputs: tuple[Tensor, ...], output: Tensor) -> None:
            self._seen.append(_alive(output.detach(), live))

        return hook
