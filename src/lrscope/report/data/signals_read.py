"""Which curves the store is asked for beside the losses, to show why a member failed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mlflow.entities import Run

from lrscope.core.verdict import Verdict

SIGNALS = {
    "gradient": ("grad_norm",),
    "dead units": ("dead_units",),
    "spread": ("output_spread", "output_spread_start"),
    "cosine": ("update_cosine",),
}
"""What a figure of ``report/why/evidence.py`` is drawn from, those of single layers (``dead_units/2``) among them."""

MOST_RUNS = 32
"""The signals of so many failed members are read: beyond, one more says nothing new and costs a tenth of a second."""


def wanted_signals(run: Run) -> tuple[str, ...]:
    """The names of the signals that the run has and its verdict needs."""
    try:
        figures = Verdict.from_label(run.data.tags.get("lrscope.verdict", "")).meaning.shown_by
    except ValueError:
        return ()
    families = {name for figure in figures for name in SIGNALS.get(figure, ())}
    return tuple(name for name in run.data.metrics if name.partition("/")[0] in families)


def spread_out(runs: Iterable[Run]) -> Sequence[Run]:
    """Of the runs that have signals to read at most ``MOST_RUNS``, evenly among them."""
    having = [run for run in runs if wanted_signals(run)]
    if len(having) <= MOST_RUNS:
        return having
    return [having[place * len(having) // MOST_RUNS] for place in range(MOST_RUNS)]
