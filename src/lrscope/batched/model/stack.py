"""The weights of many members as one: a row of one tensor each, seen as stacked parameters by the model."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class CannotStack(Exception):
    """These members cannot be trained as one batched model; the message says why, and they train alone."""


class Stack:
    """M networks of the same shape.

    ``weights`` [M, P] holds all trainable parameters, a row per member, so that an update of everything is a
    handful of operations; ``parameters[name]`` [M, *shape] are views into it, the leaves of the graph.
    ``gradients`` [M, P] lies the same way. ``constants`` are frozen parameters and ``buffers`` what the layers
    write themselves (BatchNorm's statistics), both [M, *shape]; constants that are ``shared`` are [*shape].

    Raises:
        CannotStack: the networks differ in shape, or hold parameters of more than one type.
    """

    def __init__(self, networks: Sequence[nn.Module], device: torch.device | str = "cpu") -> None:
        _check_alike(networks)
        parameters = [dict(network.named_parameters()) for network in networks]
        trainable = [name for name, p in parameters[0].items() if p.requires_grad]
        self.shapes = {name: tuple(parameters[0][name].shape) for name in trainable}
        self._saved = _saved_names(networks[0])
        frozen = {name: [own[name] for own in parameters] for name in parameters[0] if name not in self.shapes}
        self.shared = frozenset(name for name, own in frozen.items() if _share(own))
        """Frozen parameters that are the same in all members: kept once, without a member axis."""
        self.constants = {
            name: (own[0].detach() if name in self.shared else _stacked(own)).to(device) for name, own in frozen.items()
        }
        buffers = [dict(network.named_buffers()) for network in networks]
        self.buffers = {name: _stacked([own[name] for own in buffers]).to(device) for name in buffers[0]}
        flat = torch.stack([self.flat([own[name] for name in trainable]) for own in parameters])
        self._adopt(flat.to(device))

    def __len__(self) -> int:
        return len(self.weights)

    @property
    def leaves(self) -> list[Tensor]:
        return list(self.parameters.values())

    def everything(self) -> dict[str, Tensor]:
        """What functional_call puts in the place of the network's own parameters."""
        return {**self.parameters, **self.constants}

    def view(self, flat: Tensor) -> dict[str, Tensor]:
        """A tensor that lies as ``weights`` does, [M, P], by the name of the parameter, [M, *shape] each."""
        pieces = flat.split([_size(shape) for shape in self.shapes.values()], dim=1)
        return {
            name: piece.unflatten(1, shape) if shape else piece.squeeze(1)
            for (name, shape), piece in zip(self.shapes.items(), pieces, strict=True)
        }

    def flat(self, tensors: Sequence[Tensor]) -> Tensor:
        """One member's tensors, in the order of its trainable parameters, as a row [P]."""
        return torch.cat([tensor.detach().flatten() for tensor in tensors])

    def keep(self, rows: Tensor) -> None:
        """Drop all members but these (int64 indices, ascending); nothing of the others changes."""
        self.constants = {name: c if name in self.shared else c[rows] for name, c in self.constants.items()}
        self.buffers = {name: b[rows] for name, b in self.buffers.items()}
        self._adopt(self.weights[rows])

    def member_state(self, row: int) -> dict[str, Tensor]:
        """The ``state_dict`` of one member's network, as copies; what all share, and nobody changes, as it is."""
        found = {**self.parameters, **self.constants, **self.buffers}
        own = {name: tensor.detach() if name in self.shared else tensor[row] for name, tensor in found.items()}
        return {k: own[n] if n in self.shared else own[n].detach().clone() for k, n in self._saved.items()}

    @torch.no_grad()
    def _adopt(self, flat: Tensor) -> None:
        self.weights = flat.contiguous().clone()
        self.gradients = torch.zeros_like(self.weights)
        self.parameters = {name: v.detach().requires_grad_() for name, v in self.view(self.weights).items()}
        self._gradient_views = list(self.view(self.gradients).values())

    def store_gradients(self, gradients: Sequence[Tensor], *, add: bool) -> None:
        """Put the gradients of ``leaves`` where an update finds them; ``add`` to those that are there."""
        if add:
            torch._foreach_add_(self._gradient_views, list(gradients))
        else:
            torch._foreach_copy_(self._gradient_views, list(gradients))


def _stacked(tensors: Sequence[Tensor]) -> Tensor:
    return torch.stack([tensor.detach() for tensor in tensors])


def _share(tensors: Sequence[Tensor]) -> bool:
    """Whether all are the same; then the members' own networks hold one copy as well."""
    first = tensors[0].data
    if not all(torch.equal(first, other.data) for other in tensors[1:]):
        return False
    for other in tensors[1:]:
        other.data = first
    return True


def _size(shape: tuple[int, ...]) -> int:
    return int(torch.Size(shape).numel())


def _saved_names(network: nn.Module) -> dict[str, str]:
    """The keys of the network's ``state_dict``, and under which name the tensor is stacked (tied weights have
    several).
    """
    names = {id(t): name for name, t in [*network.named_parameters(), *network.named_buffers()]}
    return {key: names[id(t)] for key, t in network.state_dict(keep_vars=True).items()}


def _check_alike(networks: Sequence[nn.Module]) -> None:
    first = _signature(networks[0])
    if any(_signature(network) != first for network in networks[1:]):
        raise CannotStack("the networks of the members differ in their parameters")
    kinds = {p.dtype for p in networks[0].parameters() if p.requires_grad}
    if len(kinds) != 1:
        raise CannotStack(
            "the network has no trainable parameter" if not kinds else "its parameters have several types"
        )


def _signature(network: nn.Module) -> list[tuple[str, torch.Size, torch.dtype, bool]]:
    tensors = [*network.named_parameters(), *network.named_buffers()]
    return [(name, tensor.shape, tensor.dtype, tensor.requires_grad) for name, tensor in tensors]
