"""Loads Lightning without what it brings along and nobody here uses."""

from __future__ import annotations

import sys
from types import ModuleType


def load_lightning() -> None:
    """Import Lightning, but not ``scipy.signal``: a fifth of the time of these imports.

    Lightning imports torchmetrics, and that imports ``scipy.signal`` for one line: it puts a function back that old
    versions of an audio package look for there. It is shown an empty module in its place, which is gone when this
    returns. Where ``scipy.signal`` or torchmetrics is loaded already nothing is left out.
    """
    if not {"torchmetrics", "scipy.signal"} & sys.modules.keys():
        stand_in = ModuleType("scipy.signal")
        setattr(stand_in, "hamming", None)  # noqa: B010  # what torchmetrics looks for
        sys.modules["scipy.signal"] = stand_in
        try:
            import torchmetrics  # noqa: F401
        finally:
            del sys.modules["scipy.signal"]
    import pytorch_lightning  # noqa: F401
