"""Arguments and classes that look right and are not: a value for a list, a module that never became one."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import pytest
import pytorch_lightning as pl
from omegaconf import OmegaConf
from torch import nn

from lrscope.config.instantiate import instantiated
from lrscope.core.errors import InputError


class Widths:
    def __init__(self, widths: list[int], names: tuple[str, ...] = ()) -> None:
        self.widths, self.names = widths, names


def of_columns(columns: Sequence[str] | None = None, drop: Sequence[str] = ()) -> tuple[object, object]:
    return columns, drop


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


def test_what_may_be_either_is_left_alone() -> None:
    made = instantiated("part", OmegaConf.create({"_target_": f"{HERE}of_columns", "columns": "a", "drop": ["b"]}))
    assert made == ("a", ["b"])
