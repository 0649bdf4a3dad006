"""Whether a class is a LightningModule, seen by its name: without Lightning, which takes seconds to load."""

from __future__ import annotations

from typing import Any

PACKAGES = ("pytorch_lightning", "lightning")
"""Lightning comes as two packages, and neither trains the other's modules."""


def lightning_package(found: Any) -> str | None:
    """The package of the LightningModule that a class derives from; None where it is something else."""
    for base in getattr(found, "__mro__", ()):
        package = base.__module__.partition(".")[0]
        if base.__name__ == "LightningModule" and package in PACKAGES:
            return package
    return None
