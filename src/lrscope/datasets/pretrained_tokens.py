"""Texts as the token ids of a pretrained network: by the tokenizer that was saved with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from lrscope.core.errors import InputError, Problem
from lrscope.core.needed_package import needed_package
from lrscope.core.pretrained_name import loaded_by_name

KEY = "dataset.tokenizer"


@dataclass(frozen=True)
class PretrainedTokens:
    """From texts to token ids, beginning and end of a text marked as the network had it.

    ``tokenizer``: as the package tokenizers writes it down. ``length``: tokens of an example, cut or filled up with
    ``padding``; ``vocabulary``: how many different ids there are.
    """

    tokenizer: str
    length: int
    vocabulary: int
    padding: int

    @cached_property
    def _made(self) -> Any:
        from tokenizers import Tokenizer

        made = Tokenizer.from_str(self.tokenizer)
        made.enable_truncation(self.length)
        made.enable_padding(length=self.length, pad_id=self.padding)
        return made

    def inputs(self, raw: Sequence[str]) -> Tensor:
        """Texts as int64 [N, length]."""
        # One by one: the package's own threads warn where a process is forked later.
        return torch.tensor([self._made.encode(text).ids for text in raw], dtype=torch.int64)

    def text(self, ids: Tensor) -> str:
        """A text with such token ids."""
        return str(self._made.decode(ids.tolist()))

    def __getstate__(self) -> dict[str, Any]:
        return {key: value for key, value in vars(self).items() if key != "_made"}


def tokens_of_network(name: str, length: int) -> PretrainedTokens:
    """The tokenizer of a folder of ``save_pretrained``, or of what the Hugging Face hub has by that name.

    Raises:
        InputError: transformers is missing, the tokenizer cannot be had, or is none that can be written down.
    """
    with needed_package("transformers", KEY, name, "text"):
        from transformers import AutoTokenizer

    def load(source: str, local: bool) -> Any:
        return AutoTokenizer.from_pretrained(source, local_files_only=local, trust_remote_code=False)

    made = loaded_by_name(name, KEY, load)
    backend = getattr(made, "backend_tokenizer", None)
    if backend is None:
        rule = f"is a {type(made).__name__}, which does not go by the package tokenizers"
        raise InputError(Problem(KEY, name, rule, "Save it as a fast tokenizer, or leave it out."))
    padding = next((one for one in (made.pad_token_id, made.eos_token_id) if one is not None), 0)
    return PretrainedTokens(backend.to_str(), length, len(made), int(padding))
