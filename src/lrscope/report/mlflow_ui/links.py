"""Links into MLflow's page that open on the runs of one sweep.

By itself the page opens on its GenAI view and nests runs under their parent.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from lrscope.report.data.stored_sweep import Sweep
from lrscope.report.data.view_key import view_key
from lrscope.report.mlflow_ui.saved_view import CHARTABLE, SORTED_BY, view_filter

DEFAULT_PORT = 5000


@dataclass(frozen=True)
class Links:
    """Addresses to open: the table of the members, their curves, MLflow's comparison of exactly these, the report.

    ``table`` and ``curves`` rest on the saved view; ``plain`` is the table for a server that does not know such views.
    """

    table: str
    curves: str
    compare: str
    report: str
    plain: str

    def lines(self, view: bool = True) -> tuple[str, ...]:
        """What to print, one line each and never wrapped: a broken address cannot be clicked.

        Args:
            view: False where the saved view is not there, and the plain links have to do.
        """
        return (
            f"members  {self.table if view else self.plain}",
            f"curves   {self.curves if view else self.plain + '&compareRunsMode=CHART'}",
            f"report   {self.report}",
            f"compare  {self.compare}",
        )


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
    key, run = view_key(sweep.run_id), quote(sweep.run_id, safe="")
    plain = {"searchFilter": view_filter(sweep.run_id), "orderByKey": SORTED_BY, "orderByAsc": "true"}
    chosen = {
        "runs": json.dumps([member.run_id for member in sweep.members[:CHARTABLE]], separators=(",", ":")),
        "experiments": json.dumps([sweep.experiment_id]),
        "workflowType": "machine_learning",
    }
    return Links(
        table=f"{runs}&viewStateShareKey={key}",
        curves=f"{runs}&viewStateShareKey={key}&compareRunsMode=CHART",
        compare=f"{base}/#/compare-runs?{urlencode(chosen, quote_via=quote)}",
        report=f"{base}/#/experiments/{experiment}/runs/{run}/artifacts/report/report.html?workflowType=machine_learning",
        plain=f"{runs}&{urlencode(plain, quote_via=quote)}",
    )


def how_to_open(sweep: Sweep) -> str:
    """What a link needs before it opens; empty where a server has the page already."""
    return "" if sweep.store.startswith("http") else "`make ui` starts the page that these links open:"


def _served_at(store: str) -> str:
    if store.startswith(("http://", "https://")):
        scheme, _, rest = store.partition("://")
        return f"{scheme}://{rest.rsplit('@', 1)[-1]}"  # never a login in a link that is printed
    return f"http://127.0.0.1:{DEFAULT_PORT}"
