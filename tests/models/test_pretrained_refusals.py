"""What is said where a pretrained network cannot be had: with no further package installed."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from lrscope.core.errors import InputError
from lrscope.core.pretrained_name import loaded_by_name
from lrscope.models.hf import HF
from lrscope.models.timm import timm


def refused(make: Any, **given: Any) -> str:
    with pytest.raises(InputError) as error:
        make(**given)
    (problem,) = error.value.problems
    assert "\n" not in str(problem)
    return str(problem)


def test_a_package_that_is_not_installed_is_told_with_the_command_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for package in ("transformers", "timm"):
        monkeypatch.setitem(sys.modules, package, None)
    words = refused(HF, input_shape=(7,), outputs=2, vocabulary=9, name="x")
    assert words.startswith("model=hf: needs the package transformers") and "pip install 'lrscope[text]'" in words
    words = refused(timm, input_shape=(3, 8, 8), outputs=2, name="resnet18")
    assert words.startswith("model=timm: needs the package timm") and "pip install 'lrscope[vision]'" in words


@pytest.mark.parametrize(
    ("make", "given", "words"),
    [
        (HF, {"input_shape": (7,)}, "takes token ids [length] or images"),
        (HF, {"input_shape": (7,), "vocabulary": 9, "each_token": True}, "Add dataset.target=COLUMN"),
        (timm, {"input_shape": (7,), "name": "resnet18"}, "takes images [channels, height, width]"),
        (timm, {"input_shape": (3, 8, 8)}, "names no network. Add model.name=resnet18"),
    ],
)
def test_data_that_does_not_fit_is_told_before_a_package_is_asked_for(make: Any, given: Any, words: str) -> None:
    assert words in refused(make, outputs=2, **given)


def test_a_folder_that_is_none_is_not_looked_for_on_the_hub() -> None:
    def load(source: str, local: bool) -> str:
        raise AssertionError(f"{source} {local}")

    assert "there is no such folder" in refused(loaded_by_name, name="./nowhere", key="model.name", load=load)
    assert "Add model.name=FOLDER" in refused(loaded_by_name, name=None, key="model.name", load=load)
