from __future__ import annotations

import base64
import json
import zlib
from dataclasses import replace
from typing import Any
from urllib.parse import unquote

from made_sweeps import member, sweep

from lrscope.report.data.stored_sweep import Sweep
from lrscope.report.figures.limits import Axis
from lrscope.report.mlflow_ui.links import how_to_open, sweep_links
from lrscope.report.mlflow_ui.saved_view import saved_view
from lrscope.tracking.mlflow_store.address import resolve_uri
from lrscope.tracking.mlflow_store.browse import browsed


def state_of(made: Sweep, frames: dict[str, Axis]) -> tuple[str, dict[str, Any]]:
    key, value = saved_view(made, frames, 7)
    packed = json.loads(value)["state"]
    assert packed.startswith("deflate;")
    return key, json.loads(zlib.decompress(base64.b64decode(packed.removeprefix("deflate;"))))


def test_links_name_exactly_the_members() -> None:
    made = sweep([member(r, [1.0]) for r in (0.1, 0.2, 0.3)], run_id="f" * 32)
    links = sweep_links(made)
    assert links.table.startswith("http://127.0.0.1:5000/#/experiments/1/runs?workflowType=machine_learning&")
    assert all("workflowType=machine_learning" in line for line in links.lines()), "the view of training runs"
    assert f"tags.`mlflow.parentRunId` = '{'f' * 32}'" in unquote(links.plain)
    assert all("\n" not in line and " http" in line for line in links.lines())
    assert links.lines(view=False)[0] == f"members  {links.plain}"
    assert links.lines(view=False)[1].endswith("&compareRunsMode=CHART")


def test_links_lead_to_the_server_without_its_login() -> None:
    made = replace(sweep([member(0.1, [1.0])]), store="https://anna:secret@ml.example.org/mlflow/")
    assert sweep_links(made).table.startswith("https://ml.example.org/mlflow/#/experiments/1/runs?")
    assert sweep_links(made, "http://127.0.0.1:7777").table.startswith("http://127.0.0.1:7777/#/")


def test_the_view_is_a_flat_table_sorted_by_the_rate_as_a_number() -> None:
    made = sweep([member(0.1, [1.0], params={"batch_size": "5"})], ("lr", "batch_size", "seed"), run_id="abc" * 10)
    key, state = state_of(made, {"lr": Axis("rate", 1e-4, 1.0, log=True), "val/acc": Axis("accuracy", 0.0, 1.0)})
    assert key == "mlflow.sharedViewState.lrscope-abcabcabcabc"
    assert key.endswith(sweep_links(made).table.partition("viewStateShareKey=")[2])
    assert (state["orderByKey"], state["orderByAsc"]) == ("metrics.`peak_lr`", True)
    columns = state["selectedColumns"]
    assert columns[0] == "attributes.`Description`", "the note begins with the verdict, and this column stands first"
    assert columns[-2:] == ["tags.`lrscope.verdict`", "params.`batch_size`"]
    rate, accuracy = state["compareRunCharts"]
    assert (rate["scaleType"], rate["range"]) == ("log", {"yMin": -4.0, "yMax": 0.0})
    assert (accuracy["scaleType"], accuracy["range"]) == ("linear", {"yMin": 0.0, "yMax": 1.0})


def test_the_seeds_of_a_rate_are_one_line_with_their_band() -> None:
    members = [
        member(rate, [1.0], params={"lr": str(rate), "seed": str(seed)}) for rate in (0.1, 0.2) for seed in (0, 1)
    ]
    state = state_of(sweep(members, ("lr", "seed")), {})[1]
    grouped = {"aggregateFunction": "average", "groupByKeys": [{"mode": "param", "groupByData": "lr"}]}
    assert (state["groupBy"], state["useGroupedValuesInCharts"]) == (grouped, True)
    for axes in (("lr",), ("seed",), ("lr", "model", "seed")):
        state = state_of(sweep(members, axes), {})[1]
        assert (state["groupBy"], state["useGroupedValuesInCharts"]) == (None, False)


def test_up_to_64_members_are_all_shown() -> None:
    made = sweep([member(0.1, [1.0])] * 64)
    assert state_of(made, {})[1]["runsHiddenMode"] == "SHOWALL"
    assert state_of(replace(made, members=(*made.members, made.members[0])), {})[1]["runsHiddenMode"] == "FIRST_20_RUNS"


def test_where_not_all_are_shown_the_best_come_first() -> None:
    few, many = sweep([member(0.1, [1.0])] * 64), sweep([member(0.1, [1.0])] * 65)
    accuracy = {"sweep.objective": "val/acc", "sweep.direction": "max"}
    judged = sweep([member(0.1, [1.0], params=accuracy)] * 65)
    found = [state_of(made, {})[1] for made in (few, many, judged)]
    assert [(state["orderByKey"], state["orderByAsc"]) for state in found] == [
        ("metrics.`peak_lr`", True),
        ("metrics.`val/loss`", True),
        ("metrics.`val/acc`", False),
    ]


def test_the_tag_is_short_enough_for_every_store() -> None:
    made = sweep([member(0.1, [1.0])], ("lr", *(f"model.{'x' * 40}{i}" for i in range(6))), name="lr × " * 99)
    frames = {name: Axis(name, 1e-9, 1e9, log=True) for name in ("train/loss", "val/loss", "val/acc", "lr")}
    assert len(saved_view(made, frames, 10**13)[1]) < 5000


def test_a_local_store_is_told_how_to_start_its_page() -> None:
    """The page that opens by itself is that of the project's own store: another one is named."""
    local = sweep([member(0.1, [1.0])])
    own = replace(local, store=resolve_uri(None).uri)
    assert how_to_open(own) == "start MLflow's page with `make ui`; then these links open in it:"
    assert "scripts/ui.py --uri sqlite:////nowhere/mlflow.db`; then these links open" in how_to_open(local)
    database = replace(local, store="postgresql+psycopg2://me:secret@host/ml")
    assert "ui.py --uri 'postgresql+psycopg2://***@host/ml'`" in how_to_open(database)
    assert how_to_open(replace(local, store="http://host:5000")) == ""


def test_a_lone_run_is_told_where_to_look() -> None:
    assert browsed(None) == "browse with `make ui`"
    assert browsed("sqlite:////tmp/other.db") == "browse with `python scripts/ui.py --uri sqlite:////tmp/other.db`"
    assert browsed("http://me:secret@host:5000") == "browse at http://***@host:5000"
