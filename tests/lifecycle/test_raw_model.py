"""A packed model takes raw examples and answers in words: what the network says of the inputs made from them."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor, nn

from lrscope.datasets.array_inputs import ArrayPreprocessing
from lrscope.datasets.image_files import ImagePreprocessing
from lrscope.datasets.preprocessing import TargetScale
from lrscope.datasets.table_columns import NumberColumn, TablePreprocessing, WordColumn
from lrscope.datasets.vocabulary import BEGINNING, TokenPreprocessing
from lrscope.tracking.mlflow_store.model_package import save_model
from lrscope.tracking.mlflow_store.raw_model import RawExamples


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MLflow warns of its own type hints
        yield


def packed(folder: Path, network: nn.Module, example: Tensor, raw: RawExamples) -> Any:
    from mlflow import pyfunc

    return pyfunc.load_model(str(save_model(network.eval(), example, folder / "model", raw)))


class Fixed(nn.Module):
    """Answers with its inputs, flattened, times a matrix."""

    def __init__(self, rows: list[list[float]]) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(rows))

    def forward(self, inputs: Tensor) -> Tensor:
        return inputs.flatten(1).float() @ self.weight


TABLE = TablePreprocessing((NumberColumn("rooms", 4.0, 2.0), WordColumn("town", ("Bern", "Chur"))))


def test_rows_of_a_table_go_in_and_classes_come_out(tmp_path: Path) -> None:
    """(8 - 4) / 2 = 2 and Chur: inputs 2, 0, 1; logits 2 and 1; softmax 1 / (1 + e^-1) = 0.7311."""
    raw = RawExamples(TABLE, "classification", ("dear", "cheap"))
    model = packed(tmp_path, Fixed([[1.0, 0.0], [0.0, 0.0], [0.0, 1.0]]), torch.zeros(2, 3), raw)
    rows = pd.DataFrame({"rooms": [8.0, np.nan], "town": ["Chur", "Chur"], "another": [1, 2]})
    answers = model.predict(rows)
    assert answers["class"].tolist() == ["dear", "cheap"]
    assert answers["probability"].tolist() == pytest.approx([0.73106, 0.73106], abs=1e-5)
    with pytest.raises(Exception, match="town"):
        model.predict(rows[["rooms"]])


def test_what_rows_are_taken_for_is_told_to_who_asks_and_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    raw = RawExamples(TABLE, "classification", ("dear", "cheap"))
    model = packed(tmp_path, Fixed([[1.0, 0.0], [0.0, 0.0], [0.0, 1.0]]), torch.zeros(2, 3), raw)
    asked = pd.DataFrame({"rooms": [8.0, np.nan, 2.0, 2.0], "town": ["Genf", "Chur", "Bern", "Genf"]})
    answers = model.predict(asked)
    genf, rooms = "town 'Genf' is unknown: taken for none", "rooms is empty: taken for the training rows' mean, 4"
    assert answers["note"].tolist() == [genf, rooms, "", genf]
    assert [one.getMessage() for one in caplog.records if one.name == "lrscope"] == [
        f"{genf} (2 of 4 rows)",
        f"{rooms} (1 of 4 rows)",
    ]
    assert list(model.predict(asked[2:3]).columns) == ["class", "probability"]


def test_what_no_training_row_has_is_refused_where_missing_values_were(tmp_path: Path) -> None:
    strict = RawExamples(replace(TABLE, missing="refuse"), "regression")
    model = packed(tmp_path, Fixed([[1.0], [0.0], [0.0]]), torch.zeros(2, 3), strict)
    assert model.predict(pd.DataFrame({"rooms": [8.0], "town": ["Bern"]})).tolist() == [[2.0]]
    for row, said in (([8.0, "Genf"], "row 0: town 'Genf' is unknown"), ([np.nan, "Bern"], "row 0: rooms is empty")):
        with pytest.raises(Exception, match=said):
            model.predict(pd.DataFrame([row], columns=["rooms", "town"]))


def test_numbers_come_out_in_the_unit_of_the_data(tmp_path: Path) -> None:
    raw = RawExamples(TABLE, "regression", scale=TargetScale(100_000.0, 50_000.0, "price"))
    model = packed(tmp_path, Fixed([[1.0], [0.0], [0.0]]), torch.zeros(2, 3), raw)
    assert model.predict(pd.DataFrame({"rooms": [8.0], "town": ["Bern"]})).tolist() == [[200_000.0]]


def test_texts_go_in_by_the_vocabulary_of_the_training_part(tmp_path: Path) -> None:
    learned = TokenPreprocessing("words", (*BEGINNING, "good", "bad"), 2)
    model = packed(
        tmp_path,
        Fixed([[1.0, 0.0], [0.0, 0.0]]),
        torch.ones(2, 2, dtype=torch.int64),
        RawExamples(learned, "classification", ("a", "b")),
    )
    answers = model.predict(pd.DataFrame({"text": ["Bad", "never seen"]}))  # ids 3 and 1: logits 3, 0 and 1, 0
    assert answers["probability"].tolist() == pytest.approx([0.95257, 0.73106], abs=1e-5)


@pytest.mark.parametrize("text", [None, float("nan"), ["good"], {"good": 1}])
def test_what_is_no_text_is_refused(tmp_path: Path, text: object) -> None:
    learned = RawExamples(TokenPreprocessing("words", (*BEGINNING, "good"), 2), "classification", ("a", "b"))
    model = packed(tmp_path, Fixed([[1.0, 0.0], [0.0, 0.0]]), torch.ones(2, 2, dtype=torch.int64), learned)
    with pytest.raises(Exception, match="example 1 is no text"):
        model.predict(pd.DataFrame({"text": ["good", text]}, dtype=object))


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_is_refused(tmp_path: Path, number: float) -> None:
    model = packed(tmp_path, Fixed([[1.0]]), torch.zeros(2, 1), RawExamples(None, "regression"))
    with pytest.raises(Exception, match="example 1 has NaN or infinity in it"):
        model.predict(np.array([[4.0], [number]], np.float32))
    table = packed(
        tmp_path / "table", Fixed([[1.0], [0.0], [0.0]]), torch.zeros(2, 3), RawExamples(TABLE, "regression")
    )
    row = pd.DataFrame({"rooms": [number], "town": ["Bern"]})
    if np.isnan(number):
        assert np.isfinite(table.predict(row)).all(), "an empty field"
    else:
        with pytest.raises(Exception, match="example 0 has NaN or infinity in it"):
            table.predict(row)


def test_no_examples_are_refused(tmp_path: Path) -> None:
    model = packed(tmp_path, Fixed([[1.0]]), torch.zeros(2, 1), RawExamples(None, "regression"))
    with pytest.raises(Exception, match="do not fit the model: there are none"):
        model.predict(np.zeros((0, 1), np.float32))
    learned = RawExamples(TokenPreprocessing("words", (*BEGINNING, "good"), 2), "classification", ("a", "b"))
    texts = packed(tmp_path / "t", Fixed([[1.0, 0.0], [0.0, 0.0]]), torch.ones(2, 2, dtype=torch.int64), learned)
    with pytest.raises(Exception, match="do not fit the model: there are none"):
        texts.predict(pd.DataFrame({"text": []}, dtype=object))


def test_the_next_token_is_that_behind_the_end_of_a_text(tmp_path: Path) -> None:
    class Next(nn.Module):
        """Says that every token is followed by itself."""

        def __init__(self) -> None:
            super().__init__()
            self.scale = nn.Parameter(torch.tensor(5.0))

        def forward(self, inputs: Tensor) -> Tensor:
            return nn.functional.one_hot(inputs, 4).float() * self.scale

    learned = TokenPreprocessing("characters", (*BEGINNING, "x", "y"), 3)
    example = torch.ones(2, 3, dtype=torch.int64)
    model = packed(tmp_path, Next(), example, RawExamples(learned, "next_token", learned.tokens))
    assert model.predict(pd.DataFrame({"text": ["xy", "xxxxxy", "yx"]}))["class"].tolist() == ["y", "y", "x"]


def test_files_of_images_go_in(tmp_path: Path) -> None:
    from PIL import Image

    file = io.BytesIO()
    Image.new("L", (4, 4), 255).save(file, "PNG")  # white: every input is 1
    network = Fixed([[1.0, 0.0]] * 4)
    raw = RawExamples(ImagePreprocessing((2, 2), 1), "classification", ("white", "black"))
    model = packed(tmp_path, network, torch.zeros(2, 1, 2, 2), raw)
    answers = model.predict(pd.DataFrame({"image": [file.getvalue()]}))
    assert answers["class"].tolist() == ["white"]
    assert answers["probability"].tolist() == pytest.approx([1 / (1 + np.exp(-4.0))])
    with pytest.raises(Exception, match="example 0 is no image that can be read"):
        model.predict(pd.DataFrame({"image": [b"not an image"]}))


def test_arrays_go_in_as_they_were_stored(tmp_path: Path) -> None:
    learned = ArrayPreprocessing(1.0, (1.0, 2.0), (2.0, 4.0))
    model = packed(tmp_path, Fixed([[1.0], [1.0]]), torch.zeros(2, 2), RawExamples(learned, "labels"))
    assert model.input_example.tolist() == [[1.0, 2.0], [1.0, 2.0]]
    assert model.predict(np.array([[3.0, 6.0]], np.float32))[0].tolist() == pytest.approx([0.880797])


def test_one_logit_is_yes_or_no(tmp_path: Path) -> None:
    model = packed(tmp_path, Fixed([[1.0]]), torch.zeros(2, 1), RawExamples(None, "classification", ("no", "yes")))
    assert model.predict(np.array([[3.0], [-3.0]], np.float32))["class"].tolist() == ["yes", "no"]


@dataclass(frozen=True)
class Halves:
    """A preprocessing of a user's own."""

    by: float = 2.0

    def inputs(self, raw: Any) -> Tensor:
        return torch.tensor(np.asarray(raw, np.float32) / self.by)


def test_a_preprocessing_of_a_users_own_goes_along(tmp_path: Path) -> None:
    model = packed(tmp_path, Fixed([[1.0]]), torch.zeros(2, 1), RawExamples(Halves(), "regression"))
    assert model.predict(np.array([[4.0]])).tolist() == [[2.0]]


def test_the_bare_network_is_there_for_pytorch_and_an_old_model_loads_as_before(tmp_path: Path) -> None:
    import mlflow.pytorch
    from mlflow import pyfunc

    network = Fixed([[1.0, 2.0]])
    save_model(network, torch.zeros(2, 1), tmp_path / "new", RawExamples(None, "classification", ("a", "b")))
    assert mlflow.pytorch.load_model(str(tmp_path / "new"))(torch.ones(1, 1)).tolist() == [[1.0, 2.0]]
    save_model(Fixed([[1.0, 2.0]]), torch.zeros(2, 1), tmp_path / "old")
    old = pyfunc.load_model(str(tmp_path / "old"))
    assert old.predict(np.ones((1, 1), np.float32)).tolist() == [[1.0, 2.0]]
