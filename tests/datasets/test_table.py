"""A table of a file, as a user has it: what becomes of its columns, and what is said of what is wrong with it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from lrscope.core.errors import InputError
from lrscope.datasets.conform import conformed
from lrscope.datasets.data import Data
from lrscope.datasets.table import table

HOUSES = "size,town,land,price\n" + "\n".join(f"{size},{'AB'[size % 2]},CH,{size * 100 + 7}" for size in range(1, 41))


def written(folder: Path, text: str, name: str = "houses.csv") -> str:
    (folder / name).write_text(text, encoding="utf-8")
    return str(folder / name)


def refused(folder: Path, text: str, name: str = "houses.csv", **choice: object) -> str:
    """What is said, on one line."""
    with pytest.raises(InputError) as raised:
        table(path=written(folder, text, name), **({"target": "price"} | choice))
    assert len(str(raised.value).splitlines()) == 1
    return str(raised.value)


def rows_of(data: Data) -> torch.Tensor:
    """The sizes of the training rows, from their inputs back to the file's numbers."""
    size = data.preprocessing.columns[0]  # type: ignore[union-attr]
    return (data.train.inputs[:, 0] * size.deviation + size.mean).round()


def test_numbers_are_standardised_and_words_encoded_by_the_training_rows_alone(tmp_path: Path) -> None:
    data = table(path=written(tmp_path, HOUSES), target="price")
    assert data.task == "regression"
    assert data.train.inputs.shape == (32, 3) and data.val is not None and len(data.val) == 8
    sizes = data.train.inputs[:, 0]
    assert sizes.mean().item() == pytest.approx(0, abs=1e-6) and sizes.std(correction=0).item() == pytest.approx(1)
    assert abs(data.val.inputs[:, 0].mean().item()) > 1e-3, "the rows that validate took no part"
    odd = rows_of(data) % 2 == 1
    assert torch.equal(data.train.inputs[:, 1], (~odd).float()), "A of the even ones"
    assert torch.equal(data.train.inputs[:, 2], odd.float())
    assert "houses.csv: left out, the same in every training row: land" in data.notes


def test_targets_are_standardised_and_known_in_their_own_unit(tmp_path: Path) -> None:
    data = table(path=written(tmp_path, HOUSES), target="price")
    scale = data.target_scale
    assert scale is not None and scale.unit == "price"
    prices = rows_of(data) * 100 + 7
    assert scale.mean == pytest.approx(prices.mean().item())
    assert scale.in_units(data.train.targets)[:, 0].numpy() == pytest.approx(prices.numpy(), rel=1e-5)
    assert data.train.targets.std(correction=0).item() == pytest.approx(1, rel=1e-5)


def test_a_raw_row_becomes_the_inputs_that_it_was_trained_with(tmp_path: Path) -> None:
    data = table(path=written(tmp_path, HOUSES), target="price")
    raw = pd.DataFrame({"town": ["A", "Z", None], "size": [20, "20", None], "more": 1})
    inputs = data.preprocessing.inputs(raw)  # type: ignore[union-attr]
    assert inputs[:, 1:].tolist() == [[1, 0], [0, 0], [0, 0]], "a word that is not known is none of those that are"
    assert inputs[0, 0] == inputs[1, 0] and inputs[2, 0] == 0


@pytest.mark.parametrize(
    ("values", "task", "classes"),
    [
        (["yes", "no"] * 10, "classification", ("no", "yes")),
        ([3.0, 1.0, 10.0, 1.0] * 5, "classification", ("1", "3", "10")),
        ([0, 1] * 10, "classification", ("0", "1")),
        (["True", "False"] * 10, "classification", ("False", "True")),
        (list(range(20)), "regression", ()),
        ([0.5, 1.5] * 10, "regression", ()),
    ],
)
def test_the_target_is_taken_for_classes_or_numbers(
    tmp_path: Path, values: list[object], task: str, classes: tuple[str, ...]
) -> None:
    text = "a,y\n" + "\n".join(f"{place},{value}" for place, value in enumerate(values))
    data = table(path=written(tmp_path, text), target="y")
    assert (data.task, data.classes) == (task, classes)
    assert sum("dataset.task=" in words for words in data.notes) == 1


def test_the_task_can_be_chosen(tmp_path: Path) -> None:
    text = "a,y\n" + "\n".join(f"{place},{place % 2}" for place in range(20))
    assert table(path=written(tmp_path, text), target="y", task="regression").task == "regression"
    ten = "a,y\n" + "\n".join(f"{place},{place % 10}" for place in range(20))
    assert table(path=written(tmp_path, ten), target="y").task == "regression"
    data = table(path=written(tmp_path, ten), target="y", task="classification")
    assert len(data.classes) == 10 and not any("dataset.task" in words for words in data.notes)


@pytest.mark.parametrize(("name", "separator"), [("a.tsv", "\t"), ("a.csv", ";"), ("a.csv", "|"), ("a.txt", ",")])
def test_separators(tmp_path: Path, name: str, separator: str) -> None:
    data = table(path=written(tmp_path, HOUSES.replace(",", separator), name), target="price")
    assert data.train.inputs.shape == (32, 3)


def test_parquet_is_read_as_csv_is(tmp_path: Path) -> None:
    whole = pd.read_csv(written(tmp_path, HOUSES))
    whole.to_parquet(tmp_path / "houses.parquet")
    one, other = (table(path=str(tmp_path / f"houses.{kind}"), target="price") for kind in ("csv", "parquet"))
    assert one.digest == other.digest


def test_names_in_utf8_and_with_a_mark_at_the_beginning(tmp_path: Path) -> None:
    text = "\ufeff" + HOUSES.replace("size", "Größe").replace("A,", "Zürich,").replace("price", "価格")
    data = table(path=written(tmp_path, text, "häuser.csv"), target="価格")
    names = [column.name for column in data.preprocessing.columns]  # type: ignore[union-attr]
    assert names == ["Größe", "town"]
    assert data.preprocessing.columns[1].words == ("B", "Zürich")  # type: ignore[union-attr]


def test_a_missing_value_is_told_and_filled_or_refused(tmp_path: Path) -> None:
    text = HOUSES.replace("\n10,A,", "\n,A,").replace("\n11,B,", "\n11,NA,")
    data = table(path=written(tmp_path, text), target="price")
    (told,) = [words for words in data.notes if "missing" in words]
    assert "size 1 (the first in line 11), town 1 (the first in line 12)" in told
    assert bool(torch.isfinite(data.train.inputs).all())
    words = refused(tmp_path, text, missing="refuse")
    assert "line 11, column size: is empty, as 1 others are. Fill it, or use dataset.missing=fill." in words


def test_a_row_without_a_target_is_left_out(tmp_path: Path) -> None:
    data = table(path=written(tmp_path, HOUSES.replace(",1007", ",")), target="price")
    assert data.val is not None and len(data.train) + len(data.val) == 39
    assert "houses.csv: left out, without a price: 1 of 40 rows (the first is line 11)" in data.notes


def test_a_class_of_one_row_trains_and_is_told(tmp_path: Path) -> None:
    text = "a,y\n" + "\n".join(f"{place},{'odd' if place == 7 else ['cat', 'dog'][place % 2]}" for place in range(30))
    data = table(path=written(tmp_path, text), target="y")
    assert data.val is not None and 2 not in data.val.targets and (data.train.targets == 2).sum() == 1
    assert any("line 9, column y: the class 'odd' has 1 row" in words for words in data.notes)


def test_a_hundred_thousand_rows(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    frame = pd.DataFrame(random.standard_normal((100_000, 6)).round(4), columns=list("abcdef"))
    frame["y"] = frame.a - 2 * frame.b
    frame.to_csv(tmp_path / "many.csv", index=False)
    data = table(path=str(tmp_path / "many.csv"), target="y")
    assert data.train.inputs.shape == (80_000, 6) and data.val is not None and len(data.val) == 20_000


def test_validation_rows_of_a_file_of_their_own(tmp_path: Path) -> None:
    other = written(tmp_path, "price,town,land,size\n507,B,CH,5\n", "other.csv")
    data = table(path=written(tmp_path, HOUSES), target="price", val_path=other)
    assert len(data.train) == 40 and data.val is not None and len(data.val) == 1
    assert data.val.inputs[0].tolist() == data.train.inputs[4].tolist()
    with pytest.raises(InputError, match="column size: 'big' is no finite number"):
        wrong = written(tmp_path, "size,town,land,price\nbig,B,CH,5\n", "wrong.csv")
        table(path=written(tmp_path, HOUSES), target="price", val_path=wrong)
    with pytest.raises(InputError, match=r"dataset\.val_path=.*short\.csv: has no column town"):
        table(
            path=written(tmp_path, HOUSES), target="price", val_path=written(tmp_path, "size,price\n1,2", "short.csv")
        )


def test_columns_that_are_names_or_are_dropped(tmp_path: Path) -> None:
    text = "id,zip,name,y\n" + "\n".join(f"{k},{8000 + k % 3},person {k},{k % 2}" for k in range(300))
    data = table(path=written(tmp_path, text), target="y", categories=["zip"], drop=["id"])
    assert data.train.inputs.shape[1] == 3, "one input for each postcode"
    assert any("left out, words that differ from row to row: name" in words for words in data.notes)


def test_the_numbers_of_rows_that_pandas_writes_are_no_column(tmp_path: Path) -> None:
    pd.read_csv(written(tmp_path, HOUSES)).to_csv(tmp_path / "index.csv")
    data = table(path=str(tmp_path / "index.csv"), target="price")
    assert data.train.inputs.shape == (32, 3)


WRONG = {
    "an empty file": ("", {}, "is empty"),
    "a header only": ("size,price\n", {}, "has a header and no row"),
    "a row that is too short": ("size,price\n1,2\n3\n", {}, "line 3: 1 field where the header has 2: it lacks 'price'"),
    "a row that is too long": ("size,price\n1,2\n\n3,4,5\n", {}, "line 4: 3 fields where the header has 2"),
    "a word among numbers": (HOUSES.replace("\n9,", "\nnine,"), {}, "line 10, column size: 'nine' is no finite number"),
    "an infinite number": (HOUSES.replace("\n9,", "\ninf,"), {}, "line 10, column size: 'inf' is no finite number"),
    "a word among targets": (HOUSES.replace(",907", ",dear"), {}, "line 10, column price: 'dear' is no finite number"),
    "a quote that is not closed": ('a,price\n1,2\n3,"4\n5,6', {}, "line 3: cannot be read"),
    "two columns of a name": ("a,a,price\n1,2,3", {}, "line 1: the column a stands there twice"),
    "a column without a name": ("a,,price\n1,2,3", {}, "line 1: column 2 has no name"),
    "no target": (HOUSES, {"target": None}, "dataset.target=null: which column is to be predicted"),
    "another target": (HOUSES, {"target": "rent"}, "dataset.target=rent"),
    "a column that is not there": (HOUSES, {"drop": ["id"]}, "dataset.drop=id"),
    "a column in other letters": (HOUSES, {"target": "Price"}, "Did you mean price? It has"),
    "the target left out": (HOUSES, {"drop": ["price"]}, "dataset.drop=price: is the column to predict"),
    "the target as a category": (HOUSES, {"categories": ["price"]}, "dataset.categories=price: is the column to"),
    "both at once": (HOUSES, {"drop": ["land"], "categories": ["land"]}, "land: is left out by dataset.drop"),
    "a constant target": ("a,price\n1,5\n2,5\n3,5", {}, "there is nothing to predict"),
    "nothing to predict from": ("price\n1\n2", {}, "has no column beside price"),
    "constant columns only": (
        "a,price\n" + "\n".join(f"1,{k}.5" for k in range(9)),
        {},
        "no column tells anything (left out, the same in every training row: a)",
    ),
    "an unknown task": (HOUSES, {"task": "ranking"}, "dataset.task=ranking: must be one of"),
    "a word as a number": ("a,price\n1,x\n2,y", {"task": "regression"}, "line 2, column price: 'x' is no finite"),
    "quoted line breaks before it": ('a,price\n"1\n",2\n3,4,5', {}, "line 4: 3 fields"),
}  # fmt: skip


def test_classes_that_nothing_validates_are_told_in_few_lines(tmp_path: Path) -> None:
    rows = "".join(f"{k},day {k // 2}\n" for k in range(100))
    (tmp_path / "days.csv").write_text(f"size,day\n{rows}")
    data = table(path=str(tmp_path / "days.csv"), target="day")
    told = [words for words in data.notes if "train" in words and "only" in words]
    assert len(told) == 3 and "other classes of day train only" in told[-1]


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_is_told_with_its_line(tmp_path: Path, what: str) -> None:
    text, choice, words = WRONG[what]
    assert words in refused(tmp_path, text, **choice)


def test_other_files(tmp_path: Path) -> None:
    assert "files of the kind .xlsx are not read" in refused(tmp_path, "x", "a.xlsx")
    assert "cannot be read as Parquet" in refused(tmp_path, "x", "a.parquet")
    (tmp_path / "latin.csv").write_bytes("a,price\n1,2\nZ\xfcrich,3\n".encode("latin-1"))
    with pytest.raises(InputError, match="line 3: the byte 0xfc is not UTF-8"):
        table(path=str(tmp_path / "latin.csv"), target="price")
    with pytest.raises(InputError, match="there is no such file"):
        table(path=str(tmp_path / "nowhere.csv"), target="price")
    with pytest.raises(InputError, match=r"dataset=table needs a file\. Add dataset\.path=houses\.csv"):
        table(target="price")


def test_training_takes_it_as_it_is(tmp_path: Path) -> None:
    data = table(path=written(tmp_path, HOUSES), target="price")
    again = conformed(data, "table")
    assert again.digest == data.digest and again.preprocessing is data.preprocessing


TOWNS = "size,town,price\n" + "\n".join(f"{size},{'AB'[size % 2]},{size * 100 + 7}" for size in range(1, 41))
OTHERS = "size,town,price\n3,A,1\n4,Chur,2\n5,Chur,3\n6,,4\n7,Genf,5\n"


def test_words_that_no_training_row_has_are_told_with_column_value_and_rows(tmp_path: Path) -> None:
    more = written(tmp_path, OTHERS, "more.csv")
    data = table(path=written(tmp_path, TOWNS), target="price", val_path=more)
    (line,) = [note for note in data.notes if "no training row" in note]
    assert line.endswith(
        "more.csv: column town: no training row has 'Chur' in 2 rows, 'Genf' in 1 row (the first is line 3): taken for"
        " none"
    )
    assert data.val is not None and data.val.inputs[1:, 1:].eq(0).all()
    known = table(path=written(tmp_path, TOWNS), target="price", val_path=written(tmp_path, TOWNS, "more.csv"))
    assert not any("no training row" in note for note in known.notes)


def test_words_that_no_training_row_has_are_refused_where_missing_values_are(tmp_path: Path) -> None:
    more = written(tmp_path, OTHERS.replace("6,,4\n", ""), "more.csv")
    said = refused(tmp_path, TOWNS, val_path=more, missing="refuse")
    assert "dataset.val_path" in said and "line 3, column town: no training row has 'Chur', as of 1 more" in said
    assert "dataset.missing=fill" in said


def test_a_word_that_the_draw_left_to_the_rows_that_validate_is_told(tmp_path: Path) -> None:
    for row in range(1, 41):  # some row validates, whichever the seed draws
        lines = TOWNS.splitlines()
        lines[row] = lines[row].replace(",A,", ",Genf,").replace(",B,", ",Genf,")
        data = table(path=written(tmp_path, "\n".join(lines)), target="price", missing="refuse")
        assert data.val is not None
        told = [note for note in data.notes if "the rows that validate: column town: no training row has" in note]
        assert bool(told) == bool(data.val.inputs[:, 1:].eq(0).all(1).any())
        if told:
            assert f"'Genf' in 1 row (the first is line {row + 1})" in told[0]
            return
    raise AssertionError("no row validated")


def test_words_beyond_those_that_get_an_input_are_told(tmp_path: Path) -> None:
    rows = [f"{row},w{row % 150},{row * 7}" for row in range(600)]
    data = table(path=written(tmp_path, "size,word,price\n" + "\n".join(rows)), target="price", task="regression")
    (line,) = [note for note in data.notes if "most frequent" in note]
    assert "column word: of 150 words the 100 most frequent get an input, the others, in" in line
