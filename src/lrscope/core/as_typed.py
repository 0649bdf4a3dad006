"""Values in the words that a command line has for them."""

from __future__ import annotations

from typing import Any


def as_typed(value: Any) -> str:
    """``null``, ``true``, ``[1,2]``: what to type for a value."""
    if isinstance(value, list):
        return f"[{','.join(map(as_typed, value))}]"
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
