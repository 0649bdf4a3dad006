"""Links into MLflow's page that open on the runs of one sweep.

By itself the page opens on its GenAI view and nests runs under their parent.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote, urlencode

from lrscope.report.data.addresses import served_at
from lrscope.report.data.stored_sweep import Sweep
from lrscope.report.data.view_key import view_key
from lrscope.report.mlflow_ui.saved_view import SORTED_BY, view_filter
from lrscope.tracking.mlflow_store.browse import page_command


@dataclass(frozen=True)
class Links:
    """Addresses to open: the table of the members, their curves, the report.

    MLflow's own page of comparison is none of them: of these runs it draws the rate against the rate.

    ``table`` and ``curves`` rest on the saved view; ``plain`` is the table for a server that does not know such views.
    """

    table: str
    curves: str
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
        )


def sweep_links(sweep: Sweep, base_url: str | None = None) -> Links:
    """The links of a sweep.

    Args:
        sweep: whose members.
        base_url: where MLflow's page is served; None takes the store's address where that is a server, else
            ``http://127.0.0.1:5000``, where ``mlflow ui`` and ``make ui`` serve a local store.
    """
    base = (base_url or served_at(sweep.store)).rstrip("/")
    experiment = quote(sweep.experiment_id, safe="")
    runs = f"{base}/#/experiments/{experiment}/runs?workflowType=machine_learning"
    key, run = view_key(sweep.run_id), quote(sweep.run_id, safe="")
    plain = {"searchFilter": view_filter(sweep.run_id), "orderByKey": SORTED_BY, "orderByAsc": "true"}
    return Links(
        table=f"{runs}&viewStateShareKey={key}",
        curves=f"{runs}&viewStateShareKey={key}&compareRunsMode=CHART",
        report=f"{base}/#/experiments/{experiment}/runs/{run}/artifacts/report/report.html?workflowType=machine_learning",
        plain=f"{runs}&{urlencode(plain, quote_via=quote)}",
    )


def how_to_open(sweep: Sweep) -> str:
    """What a link needs before it opens; empty where a server has the page already."""
    typed = page_command(sweep.store)
    return f"start MLflow's page with `{typed}`; then these links open in it:" if typed is not None else ""
