"""``train.py`` that gets a real SIGINT while copies of its run, or of its members, train on."""

from __future__ import annotations

import os
import signal
import sys
from importlib import import_module
from typing import Any

PLACES = {
    "single": ("lrscope.runs.probe_run", "mean_loss"),
    "batched": ("lrscope.batched.run.probe_members", "evaluate"),
}
"""What a look ahead calls at each evaluation of a copy."""


def strike_in(place: str) -> None:
    """The first call of it comes with the signal; all of them do their work."""
    module, name = import_module(PLACES[place][0]), PLACES[place][1]
    inner, struck = getattr(module, name), []

    def evaluate(*arguments: Any) -> Any:
        if not struck:
            struck.append(True)
            os.kill(os.getpid(), signal.SIGINT)
        return inner(*arguments)

    setattr(module, name, evaluate)


if __name__ == "__main__":
    if (place := sys.argv.pop(1)) != "nowhere":
        strike_in(place)
    from lrscope.cli.main import main

    sys.exit(main())
