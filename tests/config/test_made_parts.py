"""Arguments and classes that look right and are not: a value for a list, a module that never became one."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any, Literal

import pytest
import pytorch_lightning as pl
import torch
from omegaconf import OmegaConf
from torch import nn

from lrscope.config.instantiate import instantiated
from lrscope.core.errors import InputError


class Widths:
    def __init__(self, widths: list[int], names: tuple[str, ...] = ()) -> None:
        self.widths, self.names = widths, names


def of_columns(columns: Sequence[str] | str | None = None, drop: Sequence[str] = ()) -> tuple[object, object]:
    return columns, drop


def of_kinds(
    fast: bool | None = None, flip: bool = False, size: int = 3, share: float | torch.Tensor = 0.5, word: str = "a",
    some: list[int] | None = None, way: Literal["in", "out"] = "in", whatever: Any = 1, loose=2, switch=True,
) -> dict[str, Any]:  # fmt: skip
    return locals()


HERE = f"{__name__}."
WANTED = {
    "lrscope.models.mlp.MLP hidden=25": {"input_shape": [2], "outputs": 2, "hidden": 25},
    "lrscope.datasets.table.table drop=id": {"path": "x.csv", "target": "y", "drop": "id"},
    f"{HERE}Widths widths=3": {"widths": 3},
    f"{HERE}Widths names=a": {"widths": [3], "names": "a"},
    f"{HERE}of_columns drop=a": {"columns": "b", "drop": "a"},
}


@pytest.mark.parametrize("what", WANTED)
def test_a_value_alone_is_refused(what: str) -> None:
    target, _, word = what.partition(" ")
    key, _, value = word.partition("=")
    with pytest.raises(InputError) as refused:
        instantiated("part", OmegaConf.create({"_target_": target, **WANTED[what]}))
    assert str(refused.value) == f"part.{key}={value}: must be a list. Write part.{key}=[{value}]."


@pytest.mark.parametrize("base", [nn.Module, pl.LightningModule, nn.CrossEntropyLoss], ids=lambda base: base.__name__)
def test_a_module_that_never_became_one(base: type, monkeypatch: pytest.MonkeyPatch) -> None:
    class Forgot(base):  # type: ignore[misc, valid-type]
        def __init__(self) -> None:
            pass

    monkeypatch.setattr(sys.modules[__name__], "Forgot", Forgot, raising=False)
    with pytest.raises(InputError, match=r"its __init__ does not call super\(\).__init__\(\). Call it there"):
        instantiated("part", OmegaConf.create({"_target_": f"{HERE}Forgot"}))


OTHER_KINDS = {
    "fast=maybe": "must be true or false. Leave it out.",
    "fast=2": "must be true or false. Leave it out.",
    "flip=yes_please": "must be true or false. Try part.flip=false.",
    "flip=0.5": "must be true or false. Try part.flip=false.",
    "size=many": "must be a whole number. Try part.size=3.",
    "size=2.5": "must be a whole number. Try part.size=3.",
    "size=true": "must be a whole number. Try part.size=3.",
    "share=half": "must be a number. Try part.share=0.5.",
    "share=[1]": "must be a number. Try part.share=0.5.",
    "word=[a]": "must be one word. Try part.word=a.",
    "some=4": "must be a list. Write part.some=[4].",
    "loose=x": "must be a number or a list. Try part.loose=2.",
    "switch=on_and_off": "must be true or false. Try part.switch=true.",
}
OF_TORCH = {
    "torch.optim.Adam fused=maybe": "must be true or false. Leave it out.",
    "torch.optim.SGD maximize=7": "must be true or false. Try part.maximize=false.",
    "torch.nn.HuberLoss reduction=3": "must be one word. Try part.reduction=mean.",
    "torch.nn.Linear bias=none out_features=2": "must be true or false. Try part.bias=true.",
}


@pytest.mark.parametrize("typed", [*(f"{HERE}of_kinds {word}" for word in OTHER_KINDS), *OF_TORCH])
def test_a_value_of_another_kind_is_refused(typed: str) -> None:
    target, word, *others = typed.split()
    group = OmegaConf.create({"_target_": target, **OmegaConf.from_dotlist([word, *others])})
    first = ([nn.Parameter(torch.zeros(1))],) if ".optim." in target else (3,) if target.endswith("Linear") else ()
    with pytest.raises(InputError) as refused:
        instantiated("part", group, _positional=first)
    assert str(refused.value) == f"part.{word}: {OTHER_KINDS.get(word) or OF_TORCH[typed]}"


@pytest.mark.parametrize(
    "words",
    [
        "fast=true flip=0 size=4 share=1 word=b some=[1] loose=0.1 switch=false",
        "fast=null size=2.0 loose=[1,2] whatever=x way=out",
        "whatever=[1]",
    ],
)
def test_a_value_of_its_kind_is_taken(words: str) -> None:
    given = OmegaConf.from_dotlist(words.split())
    made = instantiated("part", OmegaConf.create({"_target_": f"{HERE}of_kinds", **given}))
    assert made | OmegaConf.to_container(given) == made


def test_what_may_be_either_is_left_alone() -> None:
    made = instantiated("part", OmegaConf.create({"_target_": f"{HERE}of_columns", "columns": "a", "drop": ["b"]}))
    assert made == ("a", ["b"])
