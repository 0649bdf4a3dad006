"""Train a run, or with ``-m`` a sweep: all that ``train.py`` does."""

from __future__ import annotations

import sys
from collections.abc import Sequence


def main(words: Sequence[str], prog: str | None) -> int:  # noqa: ARG001
    """The exit code of the training, see :func:`lrscope.cli.main.main`. Hydra reads the words from ``sys.argv``."""
    from lrscope.cli.main import main as train

    sys.argv = [sys.argv[0], *words]
    return train()
