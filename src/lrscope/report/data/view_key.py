"""The name under which the saved view of a sweep lies in MLflow."""

from __future__ import annotations

VIEW_TAG = "mlflow.sharedViewState."
"""The experiment's tag of a view: this, then the view's key."""


def view_key(parent_run_id: str) -> str:
    """The name of a sweep's saved view."""
    return f"lrscope-{parent_run_id[:12]}"
