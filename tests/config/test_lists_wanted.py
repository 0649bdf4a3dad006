"""One value where a class or function wants a list of them is refused with the list to write."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from omegaconf import OmegaConf

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


def test_what_may_be_either_is_left_alone() -> None:
    made = instantiated("part", OmegaConf.create({"_target_": f"{HERE}of_columns", "columns": "a", "drop": ["b"]}))
    assert made == ("a", ["b"])
