"""What the figures show, as plain data: the PNG files and the page draw the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lrscope.report.analysis.comparison import Comparison
from lrscope.report.analysis.estimates import Estimate
from lrscope.report.figures.limits import Axis

MANY = 16
"""With more curves than this in one frame all of them are drawn thinner."""

Place = Callable[[float | str | None], float]
"""From a swept value to its place on the x axis; nan where it has none."""

NOTE_FIGURE = "loss_vs_rate-note.png"
"""The first frame alone, for a note on MLflow's page, which shows pictures in their own size and gives a note half of
the width: what is wider pushes the rest of the page out of sight.
"""


@dataclass(frozen=True)
class Dot:
    """A member against the swept value: its best and final loss.

    ``side`` (-0.5 to 0.5) sets the seeds of one cell beside each other, ``above`` tells a failed run whose loss lies
    beyond the frame.
    """

    row: int
    x: float
    side: float
    best: float
    final: float
    above: bool


@dataclass(frozen=True)
class Mean:
    """The mean over the seeds of one cell that trained; ``joined``: a line leads to it from the mean before.

    A value that failed for some of its seeds breaks the line: no run can rely on it.
    """

    x: float
    estimate: Estimate
    joined: bool


@dataclass(frozen=True)
class LossPanel:
    """Loss against the swept value; ``means[g]`` belongs to group g, ``shares`` are words above the frame."""

    title: str
    x: Axis
    y: Axis
    dots: tuple[Dot, ...]
    means: tuple[tuple[Mean, ...], ...]
    shares: tuple[tuple[float, str], ...] = ()


@dataclass(frozen=True)
class Curve:
    """``leaves``: the step at which the loss of a diverged run leaves the frame at its top; None where it does not."""

    row: int
    steps: NDArray[np.int64]
    values: NDArray[np.float64]
    leaves: int | None = None


@dataclass(frozen=True)
class EndLabel:
    """Words at the right end of a curve; ``place`` from 0 (bottom of the frame) to 1, none on another."""

    text: str
    colour: str
    place: float


@dataclass(frozen=True)
class CurvePanel:
    """``metric``: what MLflow calls that curve; ``labels`` are empty where there are too many curves for them."""

    title: str
    metric: str
    x: Axis
    y: Axis
    curves: tuple[Curve, ...]
    labels: tuple[EndLabel, ...] = ()


@dataclass(frozen=True)
class FigureData:
    """``colours[r]`` and ``dashes[r]`` (0 solid, 1 dashed …) belong to row r, ``groups`` are label and colour.

    ``band`` is the recommended range on the x axis with its ends, ``scale`` the lowest and highest rate of the colour
    scale (None: colours tell settings, listed in ``legend``).
    """

    losses: tuple[LossPanel, ...]
    curves: tuple[CurvePanel, ...]
    colours: tuple[str, ...]
    dashes: tuple[int, ...]
    groups: tuple[tuple[str, str], ...]
    legend: tuple[tuple[str, str], ...]
    scale: tuple[float, float] | None
    band: tuple[float, float] | None
    best: float | None
    interval: str

    @property
    def labelled(self) -> bool:
        """Whether the curves are named at their ends, so that no legend is needed."""
        return bool(self.curves) and all(panel.labels for panel in self.curves)


def names_on_x(comparison: Comparison) -> list[str]:
    """The names of the swept values, in order."""
    return list(
        dict.fromkeys(name_of(cell.x) for group in comparison.groups for cell in group.cells if cell.x is not None)
    )


def name_of(x: float | str | None) -> str:
    return f"{x:.4g}" if isinstance(x, float) else str(x)
