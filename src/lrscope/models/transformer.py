"""A small transformer for sequences."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from lrscope.core.errors import InputError, Problem
from lrscope.models.sequence_inputs import (
    SequenceInput,
    causal_mask,
    check_dropout,
    check_sizes,
    is_there,
    mean_over_places,
)


class Transformer(nn.Module):
    """Blocks of self-attention and two linear layers, each behind a LayerNorm and added to what goes in (Xiong et al.
    2020, "pre-LN"); learned places.

    [N, L] token ids or [N, L, F] numbers to [N, outputs], the mean over the places of an example; with ``each_token``
    to [N, L, outputs].

    Args:
        vocabulary: different token ids; None for numbers. padding: the id that holds nothing; None where all do.
        width: of the vectors; a multiple of ``heads``. layers: blocks.
        causal: whether a place sees only those before it and itself; None where each token is answered.
        dropout: share of what each half of a block adds that training switches off, 0 to below 1.

    Raises:
        InputError: examples that are no sequences, a wrong number, next tokens to predict that can be seen.
    """

    def __init__(
        self,
        input_shape: Sequence[int],
        outputs: int,
        vocabulary: int | None = None,
        padding: int | None = None,
        each_token: bool = False,
        width: int = 64,
        layers: int = 2,
        heads: int = 4,
        causal: bool | None = None,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        check_sizes(width=width, layers=layers, heads=heads)
        check_dropout(dropout)
        if width % heads:
            rule = f"must be a multiple of the {heads} heads"
            raise InputError(Problem("model.width", str(width), rule, f"Use e.g. {heads * max(1, width // heads)}."))
        if each_token and causal is False:
            rule = "the network would see the next token, which it is to predict"
            raise InputError(Problem("model.causal", "false", rule, "Leave it out."))
        self.padding, self.each_token = padding, each_token
        self.causal = each_token if causal is None else causal
        self.enter = SequenceInput(input_shape, vocabulary, width, "transformer")
        self.places = nn.Parameter(0.02 * torch.randn(input_shape[0], width))
        self.blocks = nn.ModuleList([Block(width, heads, dropout) for _ in range(layers)])
        self.norm = nn.LayerNorm(width)
        self.answer = nn.Linear(width, outputs)

    def forward(self, inputs: Tensor) -> Tensor:
        there = is_there(inputs, self.padding)
        seen = there[:, None, None, :] if there is not None else None
        states = self.enter(inputs) + self.places
        if self.causal:
            before = causal_mask(states.shape[1], states.device)
            seen = before if seen is None else seen & before
        for block in self.blocks:
            states = block(states, seen)
        states = self.norm(states)
        return self.answer(states if self.each_token else mean_over_places(states, there))


class Block(nn.Module):
    """Self-attention and two linear layers, [N, L, width] to the same."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.norm_1, self.norm_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attend, self.join = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.widen, self.act, self.narrow = nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, states: Tensor, seen: Tensor | None) -> Tensor:
        """``seen``: what each place sees, bool, [L, L] or [N, 1, 1 or L, L]; None for all."""
        states = states + self.dropout(self.join(self._attention(self.norm_1(states), seen)))
        return states + self.dropout(self.narrow(self.act(self.widen(self.norm_2(states)))))

    def _attention(self, states: Tensor, seen: Tensor | None) -> Tensor:
        """softmax(q kᵀ / √d) v for each head.

        In plain operations: torch's fused one has no rule for many members at once.
        """
        query, key, value = self.attend(states).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        scores = query @ key.transpose(-2, -1) / key.shape[-1] ** 0.5
        if seen is not None:
            scores = scores.masked_fill(~seen, -1e4)
        return (scores.softmax(-1) @ value).transpose(1, 2).flatten(2)
