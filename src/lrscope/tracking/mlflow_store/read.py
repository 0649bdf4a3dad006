"""Histories of stored runs, read in bulk: from MLflow's metrics to a Trace.

A history costs one call per run and metric through ``MlflowClient.get_metric_history``; a sweep of 1,000 members would
take minutes. Here a database store is asked by SQL for many runs at once, and a server through the endpoint that its
own page uses. Any other store falls back to the plain client.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
from mlflow import MlflowClient
from mlflow.entities import Run
from mlflow.exceptions import MlflowException

from lrscope.core.from_store import LARGEST_STEP, entries, number, setting, whole
from lrscope.core.run_facts import RATE_KEYS, RunFacts
from lrscope.core.trace import Series, Trace
from lrscope.core.trials import TRIALS, Trials
from lrscope.diagnosis.foreign import facts_from_params, rate_from_params
from lrscope.diagnosis.signals.aliases import canonical, canonical_name

Histories = dict[str, dict[str, Series]]
"""run id -> metric name -> curve."""

KEYS_PER_QUERY = 500
"""Databases bound how many values a query may name."""

RUNS_PER_REQUEST = 24
"""MLflow's bulk endpoint answers with at most 25,000 points altogether: 24 runs of at most 1,000 points fit."""

REQUESTS_AT_ONCE = 4
"""As many as ``mlflow server`` has workers by default: most of the time goes into its answers."""

POINTS_PER_REQUEST = 25_000

BULK_ENDPOINT = "/ajax-api/2.0/mlflow/metrics/get-history-bulk"

LARGEST_STORED = 1.797e308
"""MLflow stores ±inf as the largest float64; a loss at or above this was infinite."""


def read_traces(client: MlflowClient, runs: Sequence[Run], names: Iterable[str] | None = None) -> dict[str, Trace]:
    """The traces of many runs by run id, in as few questions to the store as it allows.

    Args:
        client: of the store that holds the runs.
        runs: as ``search_runs`` or ``get_run`` give them: their data says which metrics exist.
        names: lrscope's names of the metrics wanted; None reads all.

    Returns:
        One trace for each run, with a curve for each metric that it has. The metrics of a run that lrscope did not
        make appear under lrscope's names, curves by epoch moved to the epochs' ends.
    """
    wanted = None if names is None else frozenset(names)
    stored = {run.info.run_id: stored_names(run.data.metrics, wanted) for run in runs}
    histories = read_histories(client, stored)
    traces = {run.info.run_id: Trace(histories[run.info.run_id], facts_of(run)) for run in runs}
    foreign = {run.info.run_id for run in runs if "lrscope.kind" not in run.data.tags}
    return {run_id: canonical(trace) if run_id in foreign else trace for run_id, trace in traces.items()}


def stored_names(metrics: Iterable[str], wanted: frozenset[str] | None) -> tuple[str, ...]:
    """The metrics of a run that are wanted, under whatever name it has them; all where ``wanted`` is None."""
    return tuple(name for name in metrics if wanted is None or name in wanted or canonical_name(name) in wanted)


def read_histories(client: MlflowClient, wanted: Mapping[str, Sequence[str]]) -> Histories:
    """The curves of the metrics ``wanted[run_id]`` of every run, each with ascending, unique steps."""
    histories: Histories = {run_id: {} for run_id in wanted}
    store = client._tracking_client.store
    if hasattr(store, "ManagedSessionMaker"):
        rows = _rows_by_sql(store, wanted)
    elif hasattr(store, "get_host_creds"):
        rows = _rows_by_http(client, store, wanted)
    else:
        rows = _rows_by_client(client, wanted)
    for run_id, key, columns in rows:
        if run_id in histories and key in wanted[run_id]:
            histories[run_id][key] = series_of(*_numbers(columns))
    return histories


def _numbers(columns: Columns) -> Columns:
    """The columns without the rows that hold something else: SQLite keeps any text where a number should be."""
    try:
        steps, _, times = (
            np.asarray(column, kind) for column, kind in zip(columns, (np.int64, float, np.int64), strict=True)
        )
        if not len(steps) or (np.abs(steps).max() <= LARGEST_STEP and times.min() >= 0):
            return columns
    except (ValueError, TypeError, OverflowError):
        pass
    read = [(whole(s, low=-LARGEST_STEP), number(v), whole(t)) for s, v, t in zip(*columns, strict=True)]
    rows = [(s, v, t) for s, v, t in read if s is not None and v is not None and t is not None]
    return [row[0] for row in rows], [row[1] for row in rows], [row[2] for row in rows]


Columns = tuple[Sequence[int], Sequence[float], Sequence[int]]
"""Steps, values and timestamps of one curve, in any order."""


def series_of(steps: Sequence[int], values: Sequence[float], timestamps: Sequence[int]) -> Series:
    """The curve: ascending steps, of several points at one step the latest, infinities restored."""
    step_column = np.asarray(steps, np.int64)
    value_column = np.asarray(values, np.float64)
    order = np.lexsort((np.asarray(timestamps, np.int64), step_column))
    step_column, value_column = step_column[order], value_column[order]
    last_of_step = np.append(step_column[1:] != step_column[:-1], True) if len(step_column) else np.empty(0, bool)
    step_column, value_column = step_column[last_of_step], value_column[last_of_step]
    infinite = np.abs(value_column) >= LARGEST_STORED
    value_column[infinite] = np.copysign(np.inf, value_column[infinite])
    return Series(step_column, value_column)


def _rows_by_sql(store: Any, wanted: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, str, Columns]]:
    """Plain columns and no ORM objects, which cost ten times as much per point.

    One run per query: for several, SQLite takes the index that begins with the key and scans the whole store.
    """
    from mlflow.store.tracking.dbmodels.models import SqlMetric
    from sqlalchemy import select

    table = SqlMetric.__table__.c  # the columns of the model itself would go through the ORM
    wanted_columns = (table.key, table.step, table.value, table.timestamp, table.is_nan)
    with store.ManagedSessionMaker() as session:
        for run_id, keys in wanted.items():
            for some in _chunks(list(keys), KEYS_PER_QUERY):
                query = select(*wanted_columns).where(table.run_uuid == run_id, table.key.in_(some))
                for key, columns in _by_key(session.execute(query).fetchall()):
                    yield run_id, key, columns


def _by_key(rows: Sequence[Any]) -> Iterator[tuple[str, Columns]]:
    curves: dict[str, tuple[list[int], list[float], list[int]]] = {}
    for key, step, value, timestamp, is_nan in rows:
        curve = curves.get(key)
        if curve is None:
            curve = curves[key] = ([], [], [])
        curve[0].append(step)
        curve[1].append(math.nan if is_nan else value)
        curve[2].append(timestamp)
    yield from curves.items()


def _rows_by_http(
    client: MlflowClient, store: Any, wanted: Mapping[str, Sequence[str]]
) -> Iterator[tuple[str, str, Columns]]:
    """MLflow's own page asks this endpoint; a server that lacks it (a hosted one) is asked run by run."""
    runs_with: dict[str, list[str]] = defaultdict(list)
    for run_id, keys in wanted.items():
        for key in keys:
            runs_with[key].append(run_id)
    questions = [(key, some) for key, runs in runs_with.items() for some in _chunks(sorted(runs), RUNS_PER_REQUEST)]
    with ThreadPoolExecutor(REQUESTS_AT_ONCE) as pool:
        for curves in pool.map(lambda question: _ask(client, store, *question), questions):
            yield from curves


def _ask(client: MlflowClient, store: Any, key: str, run_ids: list[str]) -> list[tuple[str, str, Columns]]:
    """The curves of one metric. An answer as long as the endpoint gives may be cut: then half as many are asked for."""
    from mlflow.utils.rest_utils import http_request

    query = {"run_id": run_ids, "metric_key": key, "max_results": POINTS_PER_REQUEST}
    answer = http_request(store.get_host_creds(), BULK_ENDPOINT, "GET", params=query, raise_on_status=False)
    if answer.status_code != 200:
        return list(_rows_by_client(client, dict.fromkeys(run_ids, (key,))))
    points = _points(answer)
    if len(points) < POINTS_PER_REQUEST:
        rows = [(p.get("run_id"), p.get("step"), p.get("value"), p.get("timestamp"), False) for p in points]
        return [(run_id, key, columns) for run_id, columns in _by_key(rows)]
    if len(run_ids) == 1:
        return list(_rows_by_client(client, {run_ids[0]: (key,)}))
    half = len(run_ids) // 2
    return _ask(client, store, key, run_ids[:half]) + _ask(client, store, key, run_ids[half:])


def _points(answer: Any) -> list[Any]:
    """The points of an answer; none where it is something else."""
    stored = entries(answer.text).get("metrics")
    return [point for point in stored if isinstance(point, dict)] if isinstance(stored, list) else []


def _rows_by_client(client: MlflowClient, wanted: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, str, Columns]]:
    for run_id, keys in wanted.items():
        for key in keys:
            try:
                history = client.get_metric_history(run_id, key)
            except MlflowException:
                continue  # the run was deleted since it was listed
            if history:
                yield (
                    run_id,
                    key,
                    ([m.step for m in history], [m.value for m in history], [m.timestamp for m in history]),
                )


def _chunks(items: Sequence[str], size: int) -> Iterator[list[str]]:
    for start in range(0, len(items), size):
        yield list(items[start : start + size])


def facts_of(run: Run) -> RunFacts:
    """What the run's tags and params say of it; most is None for runs that lrscope did not make."""
    if stored := run.data.tags.get("lrscope.facts"):
        try:
            return replace(RunFacts.from_json(stored), trials=trials_of(run))
        except (ValueError, TypeError, AttributeError):
            pass  # cut or edited by hand: the params still say something
    return replace(facts_from_params(run.data.params), peak_lr=peak_rate(run))


def trials_of(run: Run) -> Trials | None:
    """What was tried for it, if anything was."""
    return Trials.from_plain(entries(run.data.tags.get(TRIALS)))


def peak_rate(run: Run) -> float | None:
    """The largest rate that the run's config asks for, wherever it says so; of a run that lrscope did not make the
    first param that is called like a rate.

    The optimizer's own goes before the metric ``peak_lr``, which of older runs is ``lr`` whether it was used or not.
    """
    if "lrscope.kind" in run.data.tags:
        for name in reversed(RATE_KEYS[1:]):
            if (value := rate_from_params({"lr": run.data.params.get(name, "")})) is not None:
                return value
    stored = setting(run.data.metrics.get("peak_lr"))
    return stored if stored is not None else rate_from_params(run.data.params)
