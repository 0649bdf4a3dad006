"""Texts as token ids, by a vocabulary that is made from the training part."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

PADDING, UNKNOWN = 0, 1
"""Ids of what fills a short text up, and of a token that no training text has."""

BEGINNING = ("<padding>", "<unknown>")

SPLIT: Mapping[str, Callable[[str], list[str]]] = {
    "characters": list,
    "words": lambda text: re.findall(r"\w+|[^\w\s]", text.lower()),
    "ids": str.split,
}
"""What a token is: a character; a word or a sign, in lower case; a number between spaces."""


@dataclass(frozen=True)
class TokenPreprocessing:
    """From texts to token ids. ``tokens``: by their ids; ``length``: tokens of an example, cut or filled up."""

    kind: str
    tokens: tuple[str, ...]
    length: int

    def inputs(self, raw: Sequence[str]) -> Tensor:
        """Texts as int64 [N, length]."""
        return self.numbered([SPLIT[self.kind](text) for text in raw])

    def numbered(self, texts: Sequence[Sequence[str]]) -> Tensor:
        """Texts that are cut into tokens already, as int64 [N, length]."""
        ids = {token: number for number, token in enumerate(self.tokens)}
        rows = torch.full((len(texts), self.length), PADDING, dtype=torch.int64)
        for row, text in zip(rows, texts, strict=True):
            numbers = [ids.get(token, UNKNOWN) for token in text[: self.length]]
            row[: len(numbers)] = torch.tensor(numbers, dtype=torch.int64)
        return rows


def learn_tokens(texts: Iterable[Sequence[str]], most: int) -> tuple[str, ...]:
    """The tokens of the training texts by their ids, the most frequent first; at most so many."""
    counts = Counter(token for text in texts for token in text)
    kept = sorted(counts, key=lambda token: (-counts[token], token))[:most]
    return (*BEGINNING, *kept)
