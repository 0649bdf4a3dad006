"""Texts, or token ids, one on each line of a file: their classes are learned, or of every token the next."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from lrscope.core.errors import InputError, Problem
from lrscope.datasets.data import Data, Part
from lrscope.datasets.given_file import check_choice, given, refuse
from lrscope.datasets.pretrained_tokens import PretrainedTokens, tokens_of_network
from lrscope.datasets.split import split_rows
from lrscope.datasets.table_file import Table
from lrscope.datasets.table_missing import complete
from lrscope.datasets.table_target import TableTarget, meant_target, rare_classes
from lrscope.datasets.text_file import (
    SequenceChoice,
    check_ids,
    check_tokenizer,
    read_texts,
    split_texts,
    text_column,
    texts_of,
    token_kind,
)
from lrscope.datasets.vocabulary import PADDING, SPLIT, TokenPreprocessing, learn_tokens

TOKENS = ("auto", *SPLIT)


def sequences(
    name: str = "sequences",
    path: str | None = None,
    text: str | None = None,
    target: str | None = None,
    tokens: str = "auto",
    length: int = 64,
    most_tokens: int = 10_000,
    seed: int = 0,
    val_fraction: float = 0.2,
    val_path: str | None = None,
    tokenizer: str | None = None,
) -> Data:
    """Inputs int64 [N, length]. With a ``target`` its classes, int64 [N]; without one the next tokens, [N, length].

    A .txt file has a text on each line; a .csv, .tsv or .parquet file has them in a column. To predict the next token
    the texts are laid end to end and cut into windows. The vocabulary is made from the training part.

    Args:
        text: the column of the texts; None takes the only one beside ``target``.
        target: the column of the classes.
        tokens: ``characters``, ``words`` (and signs, in lower case), ``ids`` (whole numbers between spaces); ``auto``
            is ids where there is nothing else, else words for classes and characters for the next token.
        length: tokens of an example; longer texts are cut, shorter ones filled up.
        most_tokens: of the vocabulary, the most frequent ones.
        val_path: a file with the texts that validate; ``seed`` and ``val_fraction`` are then not read.
        tokenizer: of a pretrained network, a folder or a name of the Hugging Face hub; tokens and ids are then its own.

    Raises:
        InputError: a file, a column or a value that cannot be used, with its line.
    """
    check_choice("dataset.tokens", tokens, TOKENS)
    for key, value in (("length", length), ("most_tokens", most_tokens)):
        if value < 1:
            raise InputError(Problem(f"dataset.{key}", str(value), "must be at least 1", "Try 64."))
    choice = SequenceChoice(text, target, tokens, length, most_tokens, seed, val_fraction, tokenizer)
    check_tokenizer(choice)
    whole, other = read_texts(given(path, "sequences", "poems.txt"), "dataset.path"), None
    if val_path is not None:
        other = read_texts(given(val_path, "sequences", "more.txt", key="dataset.val_path"), "dataset.val_path")
    return data_of_texts(name, whole, other, choice)


def data_of_texts(name: str, whole: Table, other: Table | None, choice: SequenceChoice) -> Data:
    """The data set of a table with a column of texts, and of another one with those that validate."""
    column = text_column(whole, choice)
    kind = token_kind(whole, column, choice) if choice.tokenizer is None else choice.tokens
    choice = replace(choice, text=column, tokens=kind)
    for table, key in ((whole, "dataset.path"), (other, "dataset.val_path")):
        if table is not None:
            check_ids(table, choice, key)
    return _classes(name, whole, other, choice) if choice.target is not None else _next(name, whole, other, choice)


def _classes(name: str, whole: Table, other: Table | None, choice: SequenceChoice) -> Data:
    wanted = str(choice.target)
    whole, told = complete(whole, wanted, [], "fill", "dataset.path")
    target, _ = meant_target(whole, wanted, "classification")
    rare: list[str] = []
    if other is None:
        rows = split_rows(target.of(whole), choice.val_fraction, choice.seed)
        rare = rare_classes(whole, target, *rows)
        train, val = (whole.rows(chosen.numpy()) for chosen in rows)
    else:
        train, (val, more) = whole, complete(other, wanted, [], "fill", "dataset.val_path")
        told += more
    if choice.tokenizer is not None:
        its = tokens_of_network(choice.tokenizer, choice.length)
        learned: PretrainedTokens | TokenPreprocessing = its
        ids = [its.inputs(texts_of(table, str(choice.text))) for table in (train, val)]
        vocabulary, padding = its.vocabulary, its.padding
        told.append(f"{vocabulary} tokens of the tokenizer {choice.tokenizer}")
    else:
        learned, ids, words = _own_tokens(train, val, choice)
        vocabulary, padding = len(learned.tokens), PADDING
        told += words
    parts = [_part(ids[0], target, train), _part(ids[1], target, val, other)]
    return Data(
        name,
        "classification",
        parts[0],
        parts[1],
        classes=target.classes,
        source=f"{whole.file}: {len(train)} texts train, {len(val)} validate ({_how(other, choice)})",
        val_is_drawn=other is None,
        notes=_notes(whole, [*told, *rare]),
        preprocessing=learned,
        vocabulary=vocabulary,
        padding=padding,
    )


def _own_tokens(train: Table, val: Table, choice: SequenceChoice) -> tuple[TokenPreprocessing, list[Tensor], list[str]]:
    """The vocabulary of the training part, the token ids of both, and what is to be told of them."""
    texts = [split_texts(table, choice) for table in (train, val)]
    learned = TokenPreprocessing(choice.tokens, learn_tokens(texts[0], choice.most_tokens), choice.length)
    cut = sum(len(text) > choice.length for text in texts[0])
    told = [f"{cut} of {len(train)} training texts are longer than {choice.length} tokens, and cut"] if cut else []
    return learned, [learned.numbered(part) for part in texts], [*told, _vocabulary_words(learned)]


def _part(inputs: Tensor, target: TableTarget, table: Table, other: Table | None = None) -> Part:
    return Part(inputs, target.of(table, "dataset.val_path" if other is not None else "dataset.path"))


def _next(name: str, whole: Table, other: Table | None, choice: SequenceChoice) -> Data:
    """Windows of the texts laid end to end: inputs, and the same one token on."""
    windows = _windows(whole, choice, "dataset.path")
    if other is None:
        rows = split_rows(torch.zeros(len(windows)), choice.val_fraction, choice.seed)
        parts = [[windows[row] for row in chosen.tolist()] for chosen in rows]
    else:
        parts = [windows, _windows(other, choice, "dataset.val_path")]
    learned = TokenPreprocessing(choice.tokens, learn_tokens(parts[0], choice.most_tokens), choice.length)
    longer = replace(learned, length=choice.length + 1)
    ids = [longer.numbered(part) for part in parts]
    train, val = (Part(part[:, :-1].contiguous(), part[:, 1:].contiguous()) for part in ids)
    return Data(
        name,
        "next_token",
        train,
        val,
        classes=learned.tokens,
        source=f"{whole.file}: {len(train)} windows of {choice.length} tokens train, {len(val)} validate "
        f"({_how(other, choice)})",
        val_is_drawn=other is None,
        notes=_notes(whole, ["of every token the next is predicted", _vocabulary_words(learned)]),
        preprocessing=learned,
        vocabulary=len(learned.tokens),
    )


def _windows(table: Table, choice: SequenceChoice, key: str) -> list[list[str]]:
    """Of ``length + 1`` tokens, each begins with the last of the one before: every token is predicted once."""
    between = [] if choice.tokens == "ids" else ["\n"]
    tokens = [token for text in split_texts(table, choice) for token in (*text, *between)]
    count = (len(tokens) - 1) // choice.length
    if count < 2:
        rule = f"holds {len(tokens)} tokens: not two windows of {choice.length}"
        refuse(table.file, rule, f"Give more text, or dataset.length={max(1, (len(tokens) - 1) // 10)}.", key)
    return [tokens[n * choice.length : (n + 1) * choice.length + 1] for n in range(count)]


def _how(other: Table | None, choice: SequenceChoice) -> str:
    return f"from {other.file}" if other is not None else f"drawn by seed {choice.seed}"


def _vocabulary_words(learned: TokenPreprocessing) -> str:
    return f"{len(learned.tokens) - 2} different {learned.kind} in the training part"


def _notes(table: Table, told: list[str]) -> tuple[str, ...]:
    return tuple(f"{table.file.name}: {words}" for words in told)
