"""A callback that deletes runs in the store while a sweep trains, as somebody at MLflow's page may."""

from __future__ import annotations

import os
import time

from mlflow import MlflowClient
from pytorch_lightning import Callback


class Deletes(Callback):
    """Deletes the sweep, the run that trains, or the experiment of both, at the end of the first epoch.

    Args:
        what: ``sweep``, ``run`` or ``experiment``.
    """

    def __init__(self, what: str) -> None:
        self.what = what

    def on_train_epoch_end(self, *_: object) -> None:
        if os.environ.get("DELETED"):
            return
        os.environ["DELETED"] = "once"  # of an experiment: the next member brings it back
        client = MlflowClient(f"sqlite:///{os.environ['LRSCOPE_ROOT']}/mlflow.db")
        experiment = client.get_experiment_by_name("blobs").experiment_id
        while not (members := _running(client, experiment, "member")):  # what is recorded comes behind the training
            time.sleep(0.05)
        if self.what == "experiment":
            client.delete_experiment(experiment)
        else:
            (run_id,) = _running(client, experiment, "sweep") if self.what == "sweep" else members
            client.delete_run(run_id)


def _running(client: MlflowClient, experiment: str, kind: str) -> list[str]:
    found = client.search_runs([experiment], f"tags.`lrscope.kind` = '{kind}' and attributes.status = 'RUNNING'")
    return [run.info.run_id for run in found]
