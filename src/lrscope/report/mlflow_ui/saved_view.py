"""The saved view of a sweep in MLflow's page: a flat table of exactly its members, and their curves.

A view is the page's state, kept as an experiment tag ``mlflow.sharedViewState.<key>``; a link that names the key opens
it. This is how the page itself shares views. It is not documented: the tests drive a real browser, and there are plain
links that work without it.
"""

from __future__ import annotations

import base64
import json
import math
import zlib
from collections.abc import Mapping
from typing import Any

from lrscope.report.data.axes import RATE, SEED
from lrscope.report.data.stored_sweep import DIRECTION, OBJECTIVE, Sweep
from lrscope.report.data.view_key import VIEW_TAG, view_key
from lrscope.report.figures.limits import Axis

SORTED_BY = "metrics.`peak_lr`"
CHARTABLE = 64
"""Up to so many members are all drawn; beyond, the page's own first twenty, and of a table the first hundred."""

COLUMNS = (
    "attributes.`Description`",
    SORTED_BY,
    "metrics.`val/loss`",
    "metrics.`val/acc`",
    "tags.`lrscope.verdict`",
)
SECTION = "lrscope"


def view_filter(parent_run_id: str) -> str:
    """MLflow's search for exactly the members of a sweep."""
    return f"tags.`mlflow.parentRunId` = '{parent_run_id}'"


def saved_view(sweep: Sweep, frames: Mapping[str, Axis], now_ms: int) -> tuple[str, str]:
    """Key and value of the experiment tag that holds the view.

    Args:
        sweep: whose members.
        frames: the metrics to chart, in order, with the axis that the report's figures give them.
        now_ms: time stamp of the view.
    """
    key, ascending = _order(sweep)
    seeds = _seeds_together(sweep)
    state = {
        "searchFilter": view_filter(sweep.run_id),
        "orderByKey": key,
        "orderByAsc": ascending,
        "startTime": "ALL",
        "lifecycleFilter": "Active",
        "datasetsFilter": [],
        "modelVersionFilter": "All Runs",
        "selectedColumns": [*COLUMNS, *_judged(sweep), *_swept(sweep)],
        "runsHidden": [],
        "runsVisibilityMap": {},
        "runsHiddenMode": "SHOWALL" if len(sweep.members) <= CHARTABLE else "FIRST_20_RUNS",
        "useGroupedValuesInCharts": bool(seeds),
        "hideEmptyCharts": True,
        "groupBy": seeds,
        "groupsExpanded": {},
    }
    if frames:
        state["compareRunCharts"] = [_chart(metric, axis) for metric, axis in frames.items()]
        state["compareRunSections"] = [
            {
                "uuid": SECTION,
                "name": "Loss, accuracy, rate" if "lr" in frames else "Loss, accuracy",
                "display": True,
                "isReordered": True,
                "isGenerated": False,
            }
        ]
        state["isAccordionReordered"] = True
    packed = "deflate;" + base64.b64encode(zlib.compress(json.dumps(state).encode(), 9)).decode()
    view = {"name": sweep.name[:80], "createdAt": now_ms, "updatedAt": now_ms, "state": packed}
    return VIEW_TAG + view_key(sweep.run_id), json.dumps(view)


def _order(sweep: Sweep) -> tuple[str, bool]:
    """By the rate; where not all are shown the best first, as the lowest rates alone would tell nothing."""
    if len(sweep.members) <= CHARTABLE:
        return SORTED_BY, True
    params = sweep.members[0].params
    return f"metrics.`{params.get(OBJECTIVE, 'val/loss')}`", params.get(DIRECTION) != "max"


def _seeds_together(sweep: Sweep) -> dict[str, Any] | None:
    """Members that differ in their seed alone, as one row and one line: their mean, and the band that they lie in."""
    axes = [axis for axis in sweep.axes if axis != SEED]
    if SEED not in sweep.axes or not axes or any(axis not in m.params for m in sweep.members for axis in axes):
        return None
    return {"aggregateFunction": "average", "groupByKeys": [{"mode": "param", "groupByData": axis} for axis in axes]}


def _judged(sweep: Sweep) -> list[str]:
    """Columns of what the sweep is judged by, where that is another metric."""
    named = dict.fromkeys(
        f"metrics.`{member.params[OBJECTIVE]}`" for member in sweep.members if OBJECTIVE in member.params
    )
    return [column for column in named if column not in COLUMNS]


def _swept(sweep: Sweep) -> list[str]:
    """Columns of the other swept settings that are params by their own name."""
    axes = [axis for axis in sweep.axes if axis not in (RATE, SEED)]
    return [f"params.`{axis}`" for axis in axes if any(axis in member.params for member in sweep.members)]


def _chart(metric: str, axis: Axis) -> dict[str, Any]:
    """A line chart over steps; the page wants the ends of a logarithmic axis as powers of ten."""
    low, high = (math.log10(axis.low), math.log10(axis.high)) if axis.log else (axis.low, axis.high)
    return {
        "type": "LINE",
        "uuid": f"{SECTION}-{metric.replace('/', '-')}",
        "metricSectionId": SECTION,
        "deleted": False,
        "isGenerated": False,
        "metricKey": metric,
        "selectedMetricKeys": [metric],
        "lineSmoothness": 0,
        "scaleType": "log" if axis.log else "linear",
        "xAxisScaleType": "linear",
        "range": {"yMin": low, "yMax": high},
        "xAxisKey": "step",
        "selectedXAxisMetricKey": "",
        "yAxisKey": "metric",
        "yAxisExpressions": [],
        "ignoreOutliers": False,
        "useGlobalXaxisKey": True,
        "useGlobalLineSmoothing": True,
        "displayPoints": False,
        "runsCountToCompare": CHARTABLE,
    }
