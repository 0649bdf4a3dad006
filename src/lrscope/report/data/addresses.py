"""Where MLflow's page shows a run of a sweep."""

from __future__ import annotations

from urllib.parse import quote

from lrscope.report.data.stored_sweep import Sweep

DEFAULT_PORT = 5000


def served_at(store: str) -> str:
    """Where the page of a store is: the store itself if it is a server, else where ``mlflow ui`` serves a local one."""
    if store.startswith(("http://", "https://")):
        scheme, _, rest = store.partition("://")
        return f"{scheme}://{rest.rsplit('@', 1)[-1]}".rstrip("/")  # never a login in a link that is printed
    return f"http://127.0.0.1:{DEFAULT_PORT}"


def run_page(sweep: Sweep, run_id: str, base_url: str | None = None) -> str:
    """The address of a run's own page, in the view of training runs."""
    base = (base_url or served_at(sweep.store)).rstrip("/")
    experiment, run = quote(sweep.experiment_id, safe=""), quote(run_id, safe="")
    return f"{base}/#/experiments/{experiment}/runs/{run}?workflowType=machine_learning"
