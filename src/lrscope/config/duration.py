"""How long a run may train at most: seconds, or days, hours, minutes and seconds as Lightning writes them."""

from __future__ import annotations

import math
import re

FORM = "seconds above 0, or DD:HH:MM:SS"


def seconds_of(value: object) -> float | None:
    """``600`` and ``"00:00:10:00"`` are 600.0; None is no limit.

    Raises:
        ValueError: it is none of these.
    """
    if value is None:
        return None
    if isinstance(value, str) and (found := re.fullmatch(r"(\d+):(\d{1,2}):(\d{1,2}):(\d{1,2})", value.strip())):
        days, hours, minutes, seconds = map(int, found.groups())
        if max(hours // 24, minutes // 60, seconds // 60) == 0 and (days or hours or minutes or seconds):
            return float(((days * 24 + hours) * 60 + minutes) * 60 + seconds)
    elif isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and value > 0:
        return float(value)
    raise ValueError(f"must be {FORM}")
