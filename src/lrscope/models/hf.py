"""A pretrained network of transformers, which answers for whole texts or images."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from lrscope.core.errors import InputError, Problem
from lrscope.core.needed_package import needed_package
from lrscope.core.pretrained_name import loaded_by_name
from lrscope.models.low_rank import add_adapters
from lrscope.models.sequence_inputs import is_there

KEY = "model.name"


class HF(nn.Module):
    """[N, L] token ids or [N, C, H, W] images to [N, outputs]: what ``AutoModelForSequenceClassification`` and
    ``AutoModelForImageClassification`` of transformers make, without their loss.

    Its body is the network below the head. What the weights lack starts anew and counts as head: whoever freezes the
    body freezes nothing that was never trained.

    Args:
        vocabulary: different token ids; None for images. padding: the id that holds nothing; None takes the network's.
        name: a folder of ``save_pretrained``, or a name of the Hugging Face hub.
        pretrained: False takes the network's form alone, with random weights.
        lora: rank of adapters that are trained instead of the body, see :mod:`lrscope.models.low_rank`; None: none.

    Raises:
        InputError: transformers is missing, the network cannot be had, or it does not fit the data.
    """

    def __init__(
        self,
        input_shape: Sequence[int],
        outputs: int,
        vocabulary: int | None = None,
        padding: int | None = None,
        each_token: bool = False,
        name: str | None = None,
        pretrained: bool = True,
        lora: int | None = None,
    ) -> None:
        super().__init__()
        _check_data(input_shape, vocabulary, each_token)
        with needed_package("transformers", "model", "hf", "text"):
            from transformers import AutoModelForImageClassification, AutoModelForSequenceClassification
        kind = AutoModelForImageClassification if vocabulary is None else AutoModelForSequenceClassification
        self.takes_tokens = vocabulary is not None
        options: dict[str, Any] = {"num_labels": outputs}
        if padding is not None:
            options["pad_token_id"] = padding
        self.network, lacking = loaded_by_name(
            name, KEY, lambda source, local: _loaded(kind, source, local, pretrained, options)
        )
        self.padding: int | None = getattr(self.network.config, "pad_token_id", None)
        self.head_modules = _head(str(name), self.network, lacking)
        self.lrscope_notes = _words(str(name), lacking, self.head_modules) if pretrained else ()
        _check_sizes(str(name), self.network, input_shape, vocabulary)
        if lora is not None:
            add_adapters(self.network, lora, [part.removeprefix("network.") for part in self.head_modules])
        self.train()  # transformers hands networks over in evaluation mode

    def forward(self, inputs: Tensor) -> Tensor:
        if not self.takes_tokens:
            return self.network(pixel_values=inputs).logits
        there = is_there(inputs, self.padding)
        return self.network(input_ids=inputs, attention_mask=None if there is None else there.long()).logits


def _check_data(input_shape: Sequence[int], vocabulary: int | None, each_token: bool) -> None:
    if each_token:
        rule = "answers for a whole text, but of every token the next is to be predicted"
        raise InputError(Problem("model", "hf", rule, "Add dataset.target=COLUMN, or use model=transformer."))
    if len(input_shape) != (3 if vocabulary is None else 1):
        shape = f"{'numbers' if vocabulary is None else 'token ids'} {list(input_shape)}"
        rule = f"takes token ids [length] or images [channels, height, width], but an example is {shape}"
        raise InputError(Problem("model", "hf", rule, "Use dataset=sequences, dataset=images, or model=mlp."))


def _loaded(
    kind: Any, source: str, local: bool, pretrained: bool, options: dict[str, Any]
) -> tuple[Any, Sequence[str]]:
    """The network, and the names of the parameters that its weights lack."""
    from transformers import AutoConfig

    # No code of the hub's is run. Attention in plain operations: many members can go through it at once.
    how = {"dtype": torch.float32, "attn_implementation": "eager", "trust_remote_code": False}
    with _quietly():
        if not pretrained:
            config = AutoConfig.from_pretrained(source, local_files_only=local, trust_remote_code=False, **options)
            return kind.from_config(config, **how), ()
        given = {"local_files_only": local, "ignore_mismatched_sizes": True, "output_loading_info": True}
        network, about = kind.from_pretrained(source, **given, **how, **options)
    missing = {*about["missing_keys"], *(key for key, *_ in about["mismatched_keys"])}
    return network, [name for name, _ in network.named_parameters() if name in missing]


def _head(name: str, network: Any, lacking: Sequence[str]) -> tuple[str, ...]:
    """What stands beside the body, and what of it was never trained."""
    body = network.base_model_prefix
    if network.base_model is network:
        return tuple(f"network.{part}" for part in lacking)
    if all(f"{body}.{part}" in lacking for part, _ in network.base_model.named_parameters()):
        rule = "its weights are those of another network: the body finds none of its own"
        raise InputError(Problem(KEY, name, rule, "Name another, or add model.pretrained=false."))
    beside = [
        child for child, module in network.named_children() if child != body and any(True for _ in module.parameters())
    ]
    return tuple(f"network.{part}" for part in [*beside, *(part for part in lacking if part.startswith(f"{body}."))])


def _words(name: str, lacking: Sequence[str], head: Sequence[str]) -> tuple[str, ...]:
    """What is to be told ahead of the training: what starts anew, and a head that does not."""
    anew = list(dict.fromkeys(parameter.rpartition(".")[0] for parameter in lacking))
    if not anew:
        return (f"{KEY}={name}: its head is taken as well ({', '.join(head)})",)
    listed = f"{', '.join(anew[:6])}{' …' if len(anew) > 6 else ''}"
    return (f"{KEY}={name}: its weights have no {listed} of this size: a part of the head, which starts anew",)


def _check_sizes(name: str, network: Any, input_shape: Sequence[int], vocabulary: int | None) -> None:
    """What the embeddings of a network do not hold would be an index error in the middle of a training."""
    problems = []
    if vocabulary is not None:
        known = getattr(network.get_input_embeddings(), "num_embeddings", None)
        if known is not None and vocabulary > known:
            rule = f"the network knows {known} token ids, the data has {vocabulary}"
            problems.append(Problem(KEY, name, rule, "Use the network's own ids, or a smaller dataset.most_tokens."))
        most = getattr(network.config, "max_position_embeddings", None)
        if isinstance(most, int) and 0 < most < input_shape[0]:
            rule = f"the network reads at most {most} tokens, an example has {input_shape[0]}"
            problems.append(Problem(KEY, name, rule, f"Add dataset.length={most}."))
    else:
        channels = getattr(network.config, "num_channels", None)
        if channels is not None and channels != input_shape[0]:
            rule = f"the network takes {channels} channels, the images have {input_shape[0]}"
            problems.append(Problem(KEY, name, rule, f"Add dataset.channels={channels}, where the dataset has it."))
    if problems:
        raise InputError(problems)


@contextmanager
def _quietly() -> Iterator[None]:
    """What there is to say of the weights is told in lrscope's own words, once a command."""
    from transformers.utils import logging

    level, bar = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bar:
            logging.enable_progress_bar()
