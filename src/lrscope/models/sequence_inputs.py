"""What networks for sequences have in common: token ids or numbers in, an answer for all of it or at every place."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from lrscope.core.errors import InputError, Problem


class SequenceInput(nn.Module):
    """Token ids [N, L] by a table of ``vocabulary`` rows, numbers [N, L] or [N, L, F] by a linear layer: [N, L, width].

    Raises:
        InputError: examples that are no sequences.
    """

    def __init__(self, input_shape: Sequence[int], vocabulary: int | None, width: int, model: str) -> None:
        super().__init__()
        if len(input_shape) not in ((1,) if vocabulary is not None else (1, 2)):
            rule = "takes token ids [length] or numbers [length, features], but the dataset has examples of shape "
            raise InputError(Problem("model", model, f"{rule}{list(input_shape)}", "Use dataset=sequences."))
        self.layer: nn.Module
        if vocabulary is not None:
            self.layer = nn.Embedding(vocabulary, width)
        else:
            self.layer = nn.Linear(input_shape[1] if len(input_shape) == 2 else 1, width)

    def forward(self, inputs: Tensor) -> Tensor:
        return self.layer(inputs.unsqueeze(-1) if inputs.is_floating_point() and inputs.dim() == 2 else inputs)


def is_there(inputs: Tensor, padding: int | None) -> Tensor | None:
    """Which places of each example hold something, bool [N, L]; None where all do."""
    return None if padding is None else inputs != padding


def mean_over_places(states: Tensor, there: Tensor | None) -> Tensor:
    """[N, L, width] to [N, width]: the mean over the places that hold something, 0 where none does."""
    if there is None:
        return states.mean(1)
    counted = there.unsqueeze(-1).to(states.dtype)
    return (states * counted).sum(1) / counted.sum(1).clamp_min(1)


def check_sizes(**sizes: int) -> None:
    """Raise an InputError with every size that is below 1."""
    wrong = [
        Problem(f"model.{key}", str(value), "must be at least 1", "Leave it out.")
        for key, value in sizes.items()
        if value < 1
    ]
    if wrong:
        raise InputError(wrong)


def check_dropout(dropout: float) -> None:
    """Raise an InputError where it is no share below 1."""
    if not 0 <= dropout < 1:
        raise InputError(Problem("model.dropout", str(dropout), "must be from 0 to below 1", "Use e.g. 0.2."))


def causal_mask(length: int, device: torch.device) -> Tensor:
    """Which place sees which, bool [L, L]: itself and those before it."""
    return torch.ones(length, length, dtype=torch.bool, device=device).tril()
