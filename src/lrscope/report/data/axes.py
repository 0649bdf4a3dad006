"""Which settings vary in a sweep, and how its members are ordered along them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from lrscope.core.from_store import setting
from lrscope.core.run_facts import RATE_KEYS
from lrscope.diagnosis.foreign import is_rate
from lrscope.tracking.mlflow_store.read import peak_rate

if TYPE_CHECKING:
    from mlflow.entities import Run

    from lrscope.report.data.stored_sweep import Member

RATE = "lr"
SEED = "seed"
NOT_SETTINGS = re.compile(r"(^|[._])(path|paths|dir|folder|spool|uri|name|num|id|digest|workers)$")
"""Params of runs that lrscope did not make which differ between members without being what was swept."""

MOST_AXES = 4
"""Where more params than this differ in a foreign sweep, only the rate and the seed are taken as its axes."""

OVERRIDE = re.compile(r"(?:^|[,\s])\+*([A-Za-z_][\w./@]*)=(\[[^\]]*\]|\{[^}]*\}|[^,\s]*)")


def swept_axes(recorded: Sequence[str], runs: Sequence[Run]) -> tuple[str, ...]:
    """The swept keys: as the parent recorded them, else those whose values differ between the runs; rate first."""
    axes = list(recorded) or _differing(runs)
    rates = {peak_rate(run) for run in runs}
    if RATE not in axes and len(rates - {None}) > 1 and not recorded:
        axes.append(RATE)
    return tuple(sorted(dict.fromkeys(axes), key=lambda axis: (axis not in RATE_KEYS, axis == SEED)))


def _differing(runs: Sequence[Run]) -> list[str]:
    values: dict[str, set[str | None]] = {}
    for name in {name for run in runs for name in run.data.params}:
        values[name] = {run.data.params.get(name) for run in runs}
    differing = sorted(
        name for name, seen in values.items() if len(seen) > 1 and not NOT_SETTINGS.search(name) and not is_rate(name)
    )
    if len(differing) > MOST_AXES:
        return [SEED] if SEED in differing else []
    return differing


def settings_of(run: Run, axes: Iterable[str]) -> dict[str, str]:
    """The value of each axis as text: from the params, from the run's name, or the class of a swept config group."""
    named = {key: value.strip() for key, value in OVERRIDE.findall(run.info.run_name or "")}
    params = run.data.params
    found: dict[str, str] = {}
    for axis in axes:
        typed = number(params.get(RATE, "")) if axis == RATE else None
        rate = typed if typed is not None else peak_rate(run) if axis == RATE else None
        if rate is not None:
            found[axis] = format_rate(rate)
        else:
            found[axis] = params.get(axis) or named.get(axis) or params.get(f"{axis}.name") or _class_of(params, axis)
    return found


def _class_of(params: Mapping[str, str], group: str) -> str:
    return params.get(f"{group}._target_", "not recorded").rsplit(".", 1)[-1]


def format_rate(rate: float) -> str:
    """A rate as people write it: ``0.01``, ``3e-05``, ``1``; at most four significant digits."""
    return f"{rate:.4g}"


def format_loss(loss: float) -> str:
    """A finite loss in tables and maps: ``0.1234``, ``12.3000``, ``3.50e+12``.

    Four decimals wherever they hold three digits, so that the numbers of a column stand below each other.
    """
    return f"{loss:.4f}" if 1e-2 <= abs(loss) < 1e4 or loss == 0 else f"{loss:.2e}"


def number(text: str) -> float | None:
    """The number that the text of a setting is, or None."""
    return setting(text)


def sort_key(member: Member, axes: Sequence[str]) -> tuple[tuple[int, float, str], ...]:
    """Orders members along the axes, numbers as numbers and before words; then by seed and name."""
    keys = dict.fromkeys([*(axis for axis in axes if axis != SEED), RATE, SEED])
    return (*(_key_of(member, axis) for axis in keys), (1, 0.0, member.name))


def _key_of(member: Member, axis: str) -> tuple[int, float, str]:
    if axis == RATE:
        return (0, member.rate, "") if member.rate is not None else (1, 0.0, "")
    if axis == SEED:
        return (0, float(member.seed or 0), "")
    text = member.settings.get(axis, "")
    value = number(text)
    return (0, value, "") if value is not None else (1, 0.0, text)
