"""A typed key that is true or false. OmegaConf's own takes every whole number but 0 for true: ``sweep.confirm=2`` would
confirm, and not two.
"""

from __future__ import annotations

from typing import Any

from omegaconf import BooleanNode, DictConfig
from omegaconf.errors import ValidationError


class TrueOrFalse(BooleanNode):
    """Takes true and false, as words too, and of the numbers 0 and 1."""

    def _validate_and_convert_impl(self, value: Any) -> bool:
        if str(value).strip("+-").isdigit() and str(value) not in ("0", "1"):
            raise ValidationError("Value '$VALUE' is not a valid bool (type $VALUE_TYPE)")
        return super()._validate_and_convert_impl(value)

    def __deepcopy__(self, memo: dict[int, Any]) -> TrueOrFalse:
        made = TrueOrFalse()
        self._deepcopy_impl(made, memo)
        return made


def with_strict_bools(node: DictConfig) -> DictConfig:
    """The same tree of types with such keys in the place of OmegaConf's own."""
    for key, child in node.__dict__["_content"].items():
        if isinstance(child, DictConfig):
            with_strict_bools(child)
        elif type(child) is BooleanNode:
            made, optional = TrueOrFalse(child._value(), key, node), child._metadata.optional
            made._metadata.optional = optional
            node.__dict__["_content"][key] = made
    return node
