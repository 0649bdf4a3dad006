"""Links into MLflow's page that open on the runs of one sweep, and the saved view behind them.

MLflow's page opens on its GenAI view, nests runs under their parent, shows no metric as a column and charts the first
ten runs. A view is its page state kept as an experiment tag ``mlflow.sharedViewState.<key>``; a link that names the key
opens it. This is how the page itself shares views; it is not documented, so the tests drive a real browser, and the
plain links carry filter and order in the address and work without the tag.
"""

from __future__ import annotations

import base64
import json
import zlib
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from lrscope.report.sweep import Sweep

VIEW_TAG = "mlflow.sharedViewState."
DEFAULT_PORT = 5000
CHARTABLE = 64
"""Up to so many members are all drawn; beyond, the page's own first twenty."""

COLUMNS = (
    "metrics.`peak_lr`",
    "tags.`lrscope.verdict`",
    "tags.`lrscope.status`",
    "metrics.`train/loss_epoch`",
    "metrics.`val/loss`",
    "metrics.`val/acc`",
)


@dataclass(frozen=True)
class Links:
    """Addresses to open: the table of the members, their curves, MLflow's comparison of exactly these, the parent.

    ``plain`` is the table without the saved view.
    """

    table: str
    curves: str
    compare: str
    parent: str
    plain: str

    def lines(self) -> tuple[str, ...]:
        """What to print, one line each and never wrapped: a broken address cannot be clicked."""
        return (f"members  {self.table}", f"curves   {self.curves}", f"compare  {self.compare}")


def sweep_links(sweep: Sweep, base_url: str | None = None) -> Links:
    """The links of a sweep.

    Args:
        sweep: whose members.
        base_url: where MLflow's page is served; None takes the store's address where that is a server, else
            ``http://127.0.0.1:5000``, where ``mlflow ui`` and ``make ui`` serve a local store.
    """
    base = (base_url or _served_at(sweep.store)).rstrip("/")
    experiment = quote(sweep.experiment_id, safe="")
    runs = f"{base}/#/experiments/{experiment}/runs?workflowType=machine_learning"
    key = view_key(sweep.run_id)
    plain = {"searchFilter": view_filter(sweep.run_id), "orderByKey": COLUMNS[0], "orderByAsc": "true"}
    chosen = {
        "runs": json.dumps([member.run_id for member in sweep.members[:CHARTABLE]], separators=(",", ":")),
        "experiments": json.dumps([sweep.experiment_id]),
        "workflowType": "machine_learning",
    }
    return Links(
        table=f"{runs}&viewStateShareKey={key}",
        curves=f"{runs}&viewStateShareKey={key}&compareRunsMode=CHART",
        compare=f"{base}/#/compare-runs?{urlencode(chosen, quote_via=quote)}",
        parent=f"{base}/#/experiments/{experiment}/runs/{quote(sweep.run_id, safe='')}",
        plain=f"{runs}&{urlencode(plain, quote_via=quote)}",
    )


def _served_at(store: str) -> str:
    if store.startswith(("http://", "https://")):
        scheme, _, rest = store.partition("://")
        return f"{scheme}://{rest.rsplit('@', 1)[-1]}"  # never a login in a link that is printed
    return f"http://127.0.0.1:{DEFAULT_PORT}"


def view_key(parent_run_id: str) -> str:
    """The name of a sweep's saved view."""
    return f"lrscope-{parent_run_id[:12]}"


def view_filter(parent_run_id: str) -> str:
    """MLflow's search for exactly the members of a sweep."""
    return f"tags.`mlflow.parentRunId` = '{parent_run_id}'"


def saved_view(parent_run_id: str, name: str, members: int, now_ms: int) -> tuple[str, str]:
    """Key and value of the experiment tag that holds the view: a flat table sorted by the rate as a number."""
    state = {
        "searchFilter": view_filter(parent_run_id),
        "orderByKey": COLUMNS[0],
        "orderByAsc": True,
        "startTime": "ALL",
        "lifecycleFilter": "Active",
        "datasetsFilter": [],
        "modelVersionFilter": "All Runs",
        "selectedColumns": list(COLUMNS),
        "runsHidden": [],
        "runsVisibilityMap": {},
        "runsHiddenMode": "SHOWALL" if members <= CHARTABLE else "FIRST_20_RUNS",
        "useGroupedValuesInCharts": False,
        "hideEmptyCharts": True,
        "groupBy": None,
        "groupsExpanded": {},
    }
    packed = "deflate;" + base64.b64encode(zlib.compress(json.dumps(state).encode())).decode()
    view = {"name": name, "createdAt": now_ms, "updatedAt": now_ms, "state": packed}
    return VIEW_TAG + view_key(parent_run_id), json.dumps(view)
