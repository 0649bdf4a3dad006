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

Alive = Callable[[Tensor, tuple[int, ...]], Tensor]
"""From the output of an activation layer, and its dimensions of examples and positions, to whether each unit passes a
gradient anywhere: bool [units]."""

_ALIVE: dict[type[nn.Module], Alive] = {
    nn.ReLU: lambda out, over: out.amax(over) != 0,  # never below 0; the largest is found six times faster than any
    nn.ReLU6: lambda out, over: ((out != 0) & (out != 6)).any(over),
    nn.Hardtanh: lambda out, over: (out.abs() < 1).any(over),
    nn.Tanh: lambda out, over: (1 - out.square() > SATURATED).any(over),
    nn.Sigmoid: lambda out, over: (4 * out * (1 - out) > SATURATED).any(over),
}


@dataclass(frozen=True)
class DeadUnits:
    """Share of dead hidden units, 0..1, as 0-dim tensors: over the units of all layers, and layer by layer.

    A layer puts out [N, units] or [N, channels, ...] (a channel is a unit; it is dead where it is dead at every
    position of every example). ReLU: a unit is dead when its output is 0 for every example of the batch. Tanh and
    sigmoid are never 0 nor flat; there a unit is dead when it is saturated for every example: derivative below
    ``SATURATED`` of its largest value.
    """

    share: Tensor
    layers: tuple[Tensor, ...]


def _all_but_units(output: Tensor) -> tuple[int, ...]:
    return (0, *range(2, output.dim()))


class DeadUnitsMeter:
    """Watches the activation modules of a network (ReLU, ReLU6, Hardtanh, Tanh, Sigmoid) during one forward pass.

    ``listen`` ahead of the measured forward pass, ``read`` behind it. Hooks exist only in between, so steps that are
    not measured cost nothing. Activations applied as functions (``F.relu``) cannot be seen; ``found`` is then False.
    """

    def __init__(self, model: nn.Module) -> None:
        self._layers = [(m, _ALIVE[type(m)]) for m in model.modules() if type(m) in _ALIVE]
        self._handles: list[RemovableHandle] = []
        self._seen: list[tuple[Tensor, Alive]] = []
        self._units: tuple[int, ...] = ()
        self._member = self._sizes = torch.empty(0)

    @property
    def found(self) -> bool:
        """Whether the network has an activation module that can be watched."""
        return bool(self._layers)

    def listen(self) -> None:
        """Installs the hooks for the forward pass that follows."""
        self._seen.clear()
        for module, alive in self._layers:
            self._handles.append(module.register_forward_hook(self._hook(alive)))

    def read(self) -> DeadUnits | None:
        """Removes the hooks; the shares of the last forward pass, layers in the order in which they ran.

        None where no watched layer ran.
        """
        for handle in self._handles:
            handle.remove()
        self._handles.clear()
        if not self._seen:
            return None
        units_alive = torch.cat([alive(output, _all_but_units(output)) for output, alive in self._seen])
        units = tuple(output.shape[1] for output, _ in self._seen)
        self._seen.clear()
        member, sizes = self._layout(units, units_alive.device)
        *layers, share = (1 - torch.mv(member, units_alive.float()) / sizes).unbind()
        return DeadUnits(share, tuple(layers))

    def _layout(self, units: tuple[int, ...], device: torch.device) -> tuple[Tensor, Tensor]:
        """[layers + 1, all units]: 1 where a unit is of that layer, the last row is all; and the units of each row."""
        if self._units != units or self._member.device != device:
            rows = torch.block_diag(*(torch.ones(1, size, dtype=torch.float32) for size in units))
            self._units = units
            self._member = torch.cat([rows, rows.sum(0, keepdim=True)]).to(device)
            self._sizes = self._member.sum(1)
        return self._member, self._sizes

    def _hook(self, alive: Alive) -> Callable[[nn.Module, tuple[Tensor, ...], Tensor], None]:
        def hook(_module: nn.Module, _inputs: tuple[Tensor, ...], output: Tensor) -> None:
            self._seen.append((output.detach(), alive))

        return hook
