"""MLflow's automatic logging beside lrscope's own record."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_told = False


@contextmanager
def autolog_off() -> Iterator[None]:
    """Around a training: what ``mlflow.autolog()`` in a module of the user's would record stands in runs of its own,
    which nobody asked for. It is switched off as long as this lasts, and the user is told once.
    """
    global _told
    switches: Any = sys.modules.get("mlflow.utils.autologging_utils")  # unless it is imported, nothing is logged
    if switches is None:
        yield
        return
    on = [name for name, config in switches.AUTOLOGGING_INTEGRATIONS.items() if config and not config.get("disable")]
    if on and not _told:
        _told = True
        words = "mlflow.autolog() is off while lrscope trains: it would make runs of its own"
        print(words, file=sys.stderr)
    with switches.disable_autologging():
        yield
