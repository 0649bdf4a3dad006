"""A callback that deletes runs in the store while a sweep trains, as somebody at MLflow's page may."""

from __future__ import annotations

import os
from typing import Any

from mlflow import MlflowClient
from pytorch_lightning import Callback


class Deletes(Callback):
    """Deletes the sweep, the run that trains, or the experiment of both, at the end of the first epoch.

    Args:
        what: ``sweep``, ``run`` or ``experiment``.
    """

    def __init__(self, what: str) -> None:
        self.what = what

    def on_train_epoch_end(self, trainer: Any, *_: object) -> None:
        client = MlflowClient(f"sqlite:///{os.environ['LRSCOPE_ROOT']}/mlflow.db")
        experiment = client.get_experiment_by_name("blobs").experiment_id
        if trainer.current_epoch > 0:
            return
        if self.what == "experiment":
            if not os.environ.get("DELETED"):
                client.delete_experiment(experiment)
                os.environ["DELETED"] = "once"  # the next member brings it back
            return
        runs = client.search_runs([experiment], order_by=["attributes.start_time DESC"])
        kind = "sweep" if self.what == "sweep" else "member"
        found = [run for run in runs if run.data.tags["lrscope.kind"] == kind and run.info.status == "RUNNING"]
        if found:
            client.delete_run(found[0].info.run_id)
