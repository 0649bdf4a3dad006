"""Which stored run a word of the user's means: an id, the beginning of one, or the latest of a kind."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from lrscope.core.errors import InputError, Problem
from lrscope.tracking.mlflow_store.runs import LOCAL_ID, PARENT

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

T = TypeVar("T")

BEGINNING = re.compile(r"[0-9A-Za-z]{4,32}")
"""What may be the beginning of an id; a shorter one would mean many."""

_TOO_SHORT = re.compile(r"[0-9A-Za-z]{1,3}")

SHOWN = 12
"""Characters of an id that tell it from others."""

BEFORE_THE_FIRST_STEP = {"peak_lr", "train/loss_start", "train/loss_constant", "output_spread_start"}
"""What a run records ahead of its training."""

_A_PAGE = 50


def run_of(client: MlflowClient, word: str, key: str) -> Run | None:
    """The run of that id, MLflow's or lrscope's own, deleted ones included; or the one whose id begins so.

    Args:
        key: what the user gave the word for, for the words of a problem.

    Raises:
        InputError: several ids begin so, or it is too short to say.
    """
    from mlflow.exceptions import MlflowException

    try:
        return client.get_run(word)
    except MlflowException:
        if not is_beginning(word, key):
            return None
    experiments = [experiment.experiment_id for experiment in client.search_experiments()]
    for wanted in (f"attributes.run_id LIKE '{word}%'", f"tags.`{LOCAL_ID}` LIKE '{word}%'"):
        found = client.search_runs(experiments, wanted, max_results=3)
        if found:
            return sole(found, [run.info.run_id for run in found], word, key)
    return None


def is_beginning(word: str, key: str) -> bool:
    """Whether it may be the beginning of an id.

    Raises:
        InputError: it is too short for one.
    """
    if _TOO_SHORT.fullmatch(word):
        raise InputError(
            Problem(key, word, "is too short for the beginning of an id", "Give four of its signs or more.")
        )
    return BEGINNING.fullmatch(word) is not None


def sole(found: Sequence[T], ids: Sequence[str], word: str, key: str) -> T:
    """The one that has been found by the beginning of its id.

    Raises:
        InputError: there are several.
    """
    if len(found) > 1:
        shown = ", ".join(one[:SHOWN] for one in ids)
        raise InputError(Problem(key, word, f"several ids begin so: {shown}", "Give more of it."))
    return found[0]


def newest(client: MlflowClient, wanted: str, experiments: Sequence[Any] | None = None) -> Iterator[Run]:
    """Runs of these experiments (None: of all), the one that was started last first.

    Args:
        wanted: a filter of ``search_runs``.
    """
    searched = client.search_experiments() if experiments is None else experiments
    ids, token = [experiment.experiment_id for experiment in searched], None
    order = ["attributes.start_time DESC"]
    while ids:
        page = client.search_runs(ids, wanted, max_results=_A_PAGE, order_by=order, page_token=token)
        yield from page
        if not (token := page.token):
            return


def has_trained(client: MlflowClient, sweep: Run) -> bool:
    """Whether any member of a sweep has come to its first step, and recorded it."""
    below = f"tags.`{PARENT}` = '{sweep.info.run_id}'"
    first = client.search_runs([sweep.info.experiment_id], below, max_results=_A_PAGE, order_by=["start_time ASC"])
    return any(run.data.metrics.keys() - BEFORE_THE_FIRST_STEP for run in first)
