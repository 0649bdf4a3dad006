"""The members of a stored sweep by name, with a few of their curves: less than a report reads."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mlflow.exceptions import MlflowException

from lrscope.core.errors import Problem, StoreUnreachable
from lrscope.core.trace import Trace
from lrscope.report.data.collect import children, stored_run
from lrscope.report.data.connect import connect
from lrscope.tracking.mlflow_store.read import read_traces


@dataclass(frozen=True)
class MemberCurves:
    """``name`` as MLflow has it: ``lr=0.01 seed=1``."""

    name: str
    trace: Trace


def member_curves(uri: str | None, parent_run_id: str, names: Iterable[str]) -> dict[str, MemberCurves]:
    """By run id.

    Args:
        names: of the metrics.

    Raises:
        InputError: there is no such run.
        StoreUnreachable: the store is away, or does not answer.
    """
    client = connect(uri)
    try:
        runs = children(client, stored_run(client, parent_run_id))
        traces = read_traces(client, runs, names)
    except MlflowException as error:
        raise StoreUnreachable(Problem("tracking.uri", str(uri), f"the store does not answer ({error})", "")) from None
    return {run.info.run_id: MemberCurves(str(run.info.run_name), traces[run.info.run_id]) for run in runs}
