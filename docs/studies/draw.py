"""Draws the pictures of the four studies from the runs that their commands recorded.

    python docs/studies/draw.py                          from the project's own store
    python docs/studies/draw.py sqlite:////path/to.db    from another

A study is drawn from its latest sweeps; one that was never run is left out.
"""

from __future__ import annotations

import math
import sys
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter
from mlflow import MlflowClient
from mlflow.entities import Run

from lrscope.core.paths import project_root
from lrscope.report.analysis.wilson import wilson_interval
from lrscope.report.figures.colours import on_scale, rate_colours
from lrscope.tracking.mlflow_store.read import read_traces

HERE = Path(__file__).resolve().parent
CATEGORIES = ("#0072b2", "#d55e00", "#009e73", "#b05fc4", "#b98a00", "#3aa6dd", "#8c6d4f", "#7f868f")
"""After Okabe and Ito 2008: no verdict is drawn here, so that every hue is free."""

STYLE = {
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#d9dde2",
    "grid.linewidth": 0.6,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "legend.frameon": False,
}


class Store:
    """Recorded sweeps by experiment, the latest first."""

    def __init__(self, uri: str) -> None:
        self.client = MlflowClient(uri)

    def members(self, experiment: str, fits: Callable[[Run], bool] = lambda _: True) -> list[Run]:
        """The members of the experiment that fit, one for each params: the latest."""
        found = self.client.get_experiment_by_name(experiment)
        if found is None:
            return []
        runs = self.client.search_runs(
            [found.experiment_id],
            "tags.`lrscope.kind` = 'member'",
            max_results=5000,
            order_by=["attributes.start_time DESC"],
        )
        latest: dict[tuple[str, ...], Run] = {}
        for run in runs:
            if fits(run):
                latest.setdefault((run.data.params["lr"], run.data.params["seed"], _option(run)), run)
        return sorted(latest.values(), key=lambda run: (float(run.data.params["lr"]), int(run.data.params["seed"])))

    def curves(self, runs: list[Run], key: str) -> list[tuple[np.ndarray, np.ndarray]]:
        """Steps and values of one metric, run by run."""
        traces = read_traces(self.client, runs, [key])
        series = [traces[run.info.run_id].get(key) for run in runs]
        return [(curve.steps, curve.values) for curve in series]


def _option(run: Run) -> str:
    params = run.data.params
    mode = params.get("scheduler.mode", "") if params["scheduler.name"] == "cyclic" else ""
    return mode or params["scheduler.name"]


def _rate(run: Run) -> str:
    return f"lr {float(run.data.params['lr']):g}"


def _epochs(run: Run) -> int:
    return int(run.data.params["epochs"])


def draw_line(store: Store) -> Figure | None:
    """How the weight moves at three rates, and what the limit does to rates on both sides of it."""
    runs = store.members("line")
    if not runs:
        return None
    figure, (left, right) = _panels(2)
    three = [run for run in runs if run.data.params["lr"] in ("0.01", "0.1", "1.0")]
    for run, (_, weight), colour in zip(three, store.curves(three, "weight"), _rate_colours(three), strict=True):
        style = {"marker": "."} if abs(weight).max() < 10 else {"linewidth": 0.8, "linestyle": "--"}
        left.plot(np.arange(1, len(weight) + 1), weight, color=colour, label=_rate(run), **style)
    left.axhline(3, color="#22262b", linewidth=0.8, linestyle=":")
    left.set(title="weight after each epoch", xlabel="epoch", ylabel="w", xlim=(0, 40), ylim=(-1, 7))
    left.annotate("45, −660, 10,410 …", (2.3, 6.4), color=_rate_colours(three)[-1])
    left.legend(loc="lower right")
    for place, (run, (_, loss)) in enumerate(zip(runs, store.curves(runs, "train/loss_eval"), strict=True)):
        colour = on_scale(place / max(1, len(runs) - 1))
        right.plot(np.arange(1, len(loss) + 1), loss, color=colour, label=_rate(run))
    right.set(title="loss after each epoch", xlabel="epoch", ylabel="mean squared error", xscale="log", yscale="log")
    right.set_ylim(1e-13, 1e12)
    right.legend(ncols=2)
    return figure


def draw_decay(store: Store) -> Figure | None:
    """Rate and loss of a constant rate, a continuous decay and one in stairs."""
    runs = store.members("decay", lambda run: _epochs(run) > 2)
    if not runs:
        return None
    figure, (left, right) = _panels(2)
    for run, rate, loss, colour in zip(
        runs, store.curves(runs, "lr"), store.curves(runs, "train/loss_eval"), CATEGORIES, strict=False
    ):
        left.plot(*rate, color=colour, label=_option(run))
        right.plot(loss[0], loss[1], color=colour, linewidth=1)
    left.set(
        title="learning rate of each step", xlabel="step (optimizer updates)", ylabel="learning rate", ylim=(0, 1.05)
    )
    right.set(title="training loss after each epoch", xlabel="step (optimizer updates)", ylabel="cross entropy")
    left.legend()
    return figure


def draw_strategies(store: Store) -> Figure | None:
    """Rate and mean validation loss of the seven strategies."""
    runs = store.members("strategies", lambda run: _epochs(run) >= 50)
    if not runs:
        return None
    by_option: dict[str, list[Run]] = defaultdict(list)
    for run in runs:
        by_option[_option(run)].append(run)
    figure, (left, right) = _panels(2)
    for (option, seeds), colour in zip(sorted(by_option.items()), CATEGORIES, strict=False):
        left.plot(*store.curves(seeds[:1], "lr")[0], color=colour, label=option, linewidth=1)
        losses = store.curves(seeds, "val/loss")
        right.plot(losses[0][0], np.mean([values for _, values in losses], axis=0), color=colour, linewidth=1.2)
    left.set(
        title="learning rate of each step", xlabel="step (optimizer updates)", ylabel="learning rate", yscale="log"
    )
    right.set(
        title=f"validation loss, mean of {len(next(iter(by_option.values())))} seeds", xlabel="step (optimizer updates)"
    )
    right.set(ylabel="cross entropy", yscale="log")
    right.set_yticks([0.2, 0.3, 0.5, 1, 2], ["0.2", "0.3", "0.5", "1", "2"])
    right.yaxis.set_minor_formatter(NullFormatter())
    figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=7)
    return figure


def draw_signs(store: Store) -> Figure | None:
    """Training loss of every member, and at how many of the seeds each rate collapsed."""
    runs = store.members("signs", lambda run: _epochs(run) >= 60)
    if not runs:
        return None
    figure, (left, right) = _panels(2)
    labelled = set()
    for run, (_, loss), colour in zip(runs, store.curves(runs, "train/loss_epoch"), _rate_colours(runs), strict=True):
        label = _rate(run)
        left.plot(
            np.arange(1, len(loss) + 1), loss, color=colour, linewidth=1, label=None if label in labelled else label
        )
        labelled.add(label)
    left.axhline(math.log(6), color="#22262b", linewidth=0.8, linestyle=":")
    left.set(title="training loss (mean of each epoch)", xlabel="epoch", ylabel="cross entropy", ylim=(0.7, 2.05))
    left.annotate("ln 6", (60, math.log(6)), xytext=(0, -3), textcoords="offset points", ha="right", va="top")
    left.legend()
    _draw_shares(right, store.members("signs", lambda run: _epochs(run) < 60) or runs)
    return figure


def _draw_shares(axes: Axes, runs: list[Run]) -> None:
    by_rate: dict[float, list[bool]] = defaultdict(list)
    for run in runs:
        by_rate[float(run.data.params["lr"])].append(run.data.tags.get("lrscope.verdict") == "collapsed")
    colours = rate_colours(list(by_rate))
    for place, (collapsed, colour) in enumerate(zip(by_rate.values(), colours, strict=True)):
        share = sum(collapsed) / len(collapsed)
        low, high = wilson_interval(sum(collapsed), len(collapsed))
        axes.bar(place, share, color=colour, width=0.6)
        axes.errorbar(place, share, [[share - low], [high - share]], color="#22262b", capsize=4, linewidth=1)
    counts = [f"{rate:g}\n{sum(collapsed)} of {len(collapsed)}" for rate, collapsed in by_rate.items()]
    axes.set_xticks(range(len(by_rate)), counts)
    axes.set(title="share of seeds that collapse (95% Wilson interval)", xlabel="learning rate", ylim=(0, 1.02))
    axes.grid(axis="x", visible=False)


def _rate_colours(runs: list[Run]) -> list[str]:
    return rate_colours([float(run.data.params["lr"]) for run in runs])


def _panels(n: int) -> tuple[Figure, list[Axes]]:
    figure = Figure(figsize=(9.5, 3.6), layout="constrained", dpi=110)
    return figure, list(figure.subplots(1, n))


def main(uri: str) -> None:
    store = Store(uri)
    studies = {"line": draw_line, "decay": draw_decay, "strategies": draw_strategies, "signs": draw_signs}
    with matplotlib.rc_context(STYLE):
        for name, draw in studies.items():
            figure = draw(store)
            if figure is None:
                print(f"{name}: not run yet")
                continue
            figure.savefig(HERE / f"{name}.png")
            print(f"{name}: {HERE / f'{name}.png'}")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else f"sqlite:///{project_root() / 'mlflow.db'}")
