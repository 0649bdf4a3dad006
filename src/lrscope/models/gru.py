"""A recurrent network for sequences."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from lrscope.models.sequence_inputs import SequenceInput, check_dropout, check_sizes, is_there, mean_over_places


class GRU(nn.Module):
    """Gated recurrent units over a sequence, then a linear layer.

    [N, L] token ids or [N, L, F] numbers to [N, outputs], the mean over the places of an example; with ``each_token``
    to [N, L, outputs], where a place knows those before it and none behind.

    Args:
        vocabulary: different token ids; None for numbers. padding: the id that holds nothing; None where all do.
        width: of the tokens' vectors. hidden: units of each recurrent layer.
        dropout: share of the inputs of the last layer that training switches off, 0 to below 1.

    Raises:
        InputError: examples that are no sequences, a wrong number.
    """

    def __init__(
        self,
        input_shape: Sequence[int],
        outputs: int,
        vocabulary: int | None = None,
        padding: int | None = None,
        each_token: bool = False,
        width: int = 32,
        hidden: int = 64,
        layers: int = 1,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        check_sizes(width=width, hidden=hidden, layers=layers)
        check_dropout(dropout)
        self.padding, self.each_token = padding, each_token
        self.enter = SequenceInput(input_shape, vocabulary, width, "gru")
        self.recur = nn.GRU(width, hidden, layers, batch_first=True)
        self.dropout = nn.Dropout(dropout)
        self.answer = nn.Linear(hidden, outputs)

    def forward(self, inputs: Tensor) -> Tensor:
        states, _ = self.recur(self.enter(inputs))
        if not self.each_token:
            states = mean_over_places(states, is_there(inputs, self.padding))
        return self.answer(self.dropout(states))
