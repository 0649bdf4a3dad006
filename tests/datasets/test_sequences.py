"""Texts and token ids of files: their classes, or the next token of each."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from lrscope.core.errors import InputError
from lrscope.datasets.conform import conformed
from lrscope.datasets.data import Data
from lrscope.datasets.sequences import sequences

MOODS = (("Good", "up"), ("bad", "down"))
REVIEWS = "text,mood\n" + "\n".join(f'"so {word}, n{k}{mood}",{mood}' for k in range(10) for word, mood in MOODS)


def of(folder: Path, text: str, name: str = "a.csv", **choice: object) -> Data:
    (folder / name).write_text(text, encoding="utf-8")
    return sequences(path=str(folder / name), **choice)  # type: ignore[arg-type]


def test_classes_of_texts(tmp_path: Path) -> None:
    data = of(tmp_path, REVIEWS, target="mood", length=6)
    assert data.task == "classification" and data.classes == ("down", "up") and data.padding == 0
    assert data.train.inputs.shape == (16, 6) and data.train.inputs.dtype == torch.int64
    tokens = data.preprocessing.tokens  # type: ignore[union-attr]
    assert set(tokens[2:]) >= {"so", "good", "bad", ","} and len(tokens) == data.vocabulary
    inputs = data.preprocessing.inputs(["So good , never"])  # type: ignore[union-attr]
    assert [tokens[number] for number in inputs[0]] == ["so", "good", ",", "<unknown>", "<padding>", "<padding>"]


def test_the_vocabulary_is_made_from_the_training_part(tmp_path: Path) -> None:
    data = of(tmp_path, REVIEWS, target="mood", most_tokens=9999)
    assert data.val is not None
    seen = set(data.train.inputs.unique().tolist())
    assert set(range(2, data.vocabulary or 0)) <= seen, "every token stands in some training text"
    assert 1 in data.val.inputs, "what only a text that validates has is unknown"
    assert len(of(tmp_path, REVIEWS, target="mood", most_tokens=3).preprocessing.tokens) == 5  # type: ignore[union-attr]


def test_the_next_token(tmp_path: Path) -> None:
    data = conformed(of(tmp_path, "abcdefgh\n\nijklmnop\n" * 4, "a.txt", length=5, val_fraction=0.3), "sequences")
    assert data.task == "next_token" and data.each_token and data.outputs == data.vocabulary == len(data.classes)
    assert torch.equal(data.train.inputs[:, 1:], data.train.targets[:, :-1])
    assert data.val is not None and len(data.train) + len(data.val) == (4 * 18 - 1) // 5
    words = ["".join(data.classes[number] for number in row) for row in data.train.inputs]
    assert all(word in "abcdefgh\nijklmnop\n" * 4 for word in words)


def test_token_ids(tmp_path: Path) -> None:
    data = of(tmp_path, "12 7 7\n99 12\n" * 30, "ids.txt", length=4)
    assert set(data.classes[2:]) == {"7", "12", "99"}
    with pytest.raises(InputError, match=r"line 3, column text: '1\.5' is no token id"):
        of(tmp_path, "1 2\n3\n4 1.5\n", "ids.txt", tokens="ids", length=1)


def test_words_and_long_texts(tmp_path: Path) -> None:
    data = of(tmp_path, "the cat sat on the mat\n" * 9, "a.txt", tokens="words", length=3)
    assert {"the", "cat", "\n"} <= set(data.classes)
    told = of(tmp_path, REVIEWS, target="mood", length=2).notes
    assert "a.csv: 16 of 16 training texts are longer than 2 tokens, and cut" in told


def test_validation_texts_of_a_file_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "b.csv").write_text("mood,text\nup,so good\n")
    data = of(tmp_path, REVIEWS, target="mood", val_path=str(tmp_path / "b.csv"))
    assert len(data.train) == 20 and data.val is not None and data.val.targets.tolist() == [1]
    (tmp_path / "b.csv").write_text("mood,text\nsad,so good\n")
    with pytest.raises(InputError, match=r"dataset\.val_path=.*line 2, column mood: no training row has the class"):
        of(tmp_path, REVIEWS, target="mood", val_path=str(tmp_path / "b.csv"))


@pytest.mark.parametrize(
    ("text", "name", "choice", "words"),
    [
        ("", "a.txt", {}, "is empty"),
        ("\n \n", "a.txt", {}, "is empty"),
        ("abc", "a.txt", {}, "holds 4 tokens: not two windows of 64"),
        ("a,b,c\n1,2,3", "a.csv", {"target": "c"}, "it is not clear which holds the texts. Add dataset.text=COLUMN"),
        (REVIEWS, "a.csv", {"target": "feeling"}, "dataset.target=feeling"),
        (REVIEWS, "a.csv", {"target": "mood", "length": 0}, "dataset.length=0: must be at least 1"),
        (REVIEWS, "a.csv", {"target": "mood", "tokens": "bytes"}, "dataset.tokens=bytes: must be one of"),
        ("text,mood\na,up\nb,up", "a.csv", {"target": "mood"}, "the column mood is 'up' in every row"),
        (REVIEWS, "a.docx", {}, "files of the kind .docx are not read"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told(tmp_path: Path, text: str, name: str, choice: dict[str, object], words: str) -> None:
    with pytest.raises(InputError) as raised:
        of(tmp_path, text, name, **choice)
    assert words in str(raised.value) and len(str(raised.value).splitlines()) == 1


def test_a_text_that_is_not_utf8(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes("eins\nzw\xf6lf\n".encode("latin-1"))
    with pytest.raises(InputError, match="line 2: the byte 0xf6 is not UTF-8"):
        sequences(path=str(tmp_path / "a.txt"))
