"""Small networks as transformers saves them."""

from __future__ import annotations

from pathlib import Path

import torch

SMALL = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}


def save_networks(place: Path) -> None:
    """``tiny``, which filled gaps in texts; ``rated``, a classifier; ``sees``, of images."""
    import transformers

    torch.manual_seed(0)
    config = transformers.BertConfig(vocab_size=40, max_position_embeddings=64, **SMALL)
    transformers.BertForMaskedLM(config).save_pretrained(place / "tiny")
    transformers.BertForSequenceClassification(config).save_pretrained(place / "rated")
    seen = transformers.ViTConfig(image_size=8, patch_size=4, num_channels=1, **SMALL)
    transformers.ViTModel(seen).save_pretrained(place / "sees")
    save_tokenizer(place / "tiny")


def save_tokenizer(place: Path) -> None:
    """Of words, with a mark at the beginning and the end of a text; 0 is no word."""
    import transformers
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "it", "was", "good", "bad", *map(str, range(10))]
    made = Tokenizer(models.WordLevel({word: number for number, word in enumerate(words)}, "[UNK]"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    made.post_processor = processors.TemplateProcessing("[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    marks = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    transformers.PreTrainedTokenizerFast(tokenizer_object=made, **marks).save_pretrained(place)
