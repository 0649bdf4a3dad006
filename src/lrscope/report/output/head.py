"""What a report says of the sweep as a whole: what was trained, on what, by whom and from which commit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lrscope.core.command_words import train_again
from lrscope.core.dataset_name import dataset_name
from lrscope.report.analysis.comparison import Comparison
from lrscope.report.data.axes import format_rate, number
from lrscope.report.data.stored_sweep import Sweep


@dataclass(frozen=True)
class Fact:
    name: str
    value: str


def facts_of(comparison: Comparison) -> tuple[Fact, ...]:
    """The facts that all members share, each in a few words; what was swept stands in the table."""
    first = comparison.sweeps[0] if comparison.sweeps else None
    params = _shared(comparison)
    found = [
        ("data", _data(comparison, params)),
        ("model", _model(comparison, params)),
        ("optimizer", _optimizer(params)),
        ("schedule", _schedule(params)),
        ("rate", _number(params.get("lr", "")) if comparison.x_axis != "lr" else ""),
        ("epochs", _number(params.get("epochs", ""))),
        ("batch size", _number(params.get("batch_size", ""))),
        ("updates", _updates(comparison)),
        ("seed", params.get("seed", "")),
    ]
    if first is not None and len(comparison.sweeps) == 1:
        found += [
            ("members", f"{len(comparison.rows)}"),
            ("who", first.user),
            ("when", f"{first.started:%Y-%m-%d %H:%M} UTC" if first.started else ""),
            ("commit", first.commit[:10]),
        ]
    return tuple(Fact(name, value) for name, value in found if value and value != "null")


def command_of(sweep: Sweep) -> str:
    """The command that made the sweep; empty where lrscope did not."""
    return train_again(sweep.overrides, sweep=True) if sweep.ours and sweep.overrides else ""


def _shared(comparison: Comparison) -> Mapping[str, str]:
    """The params that all members have with one value."""
    first, *rest = [row.member.params for row in comparison.rows] or [{}]
    return {key: value for key, value in first.items() if all(other.get(key) == value for other in rest)}


def _number(text: str) -> str:
    """``0.001``, ``1``, ``1,000``: a number as the tables show it; other words as they are."""
    value = number(text)
    if value is None:
        return text
    return f"{value:,.0f}" if value == int(value) else format_rate(value)


def _class(params: Mapping[str, str], group: str) -> str:
    return params.get(f"{group}._target_", "").rsplit(".", 1)[-1]


def _data(comparison: Comparison, params: Mapping[str, str]) -> str:
    examples = {row.member.trace.facts.examples for row in comparison.rows}
    name = dataset_name(params.get("dataset._target_"), params.get("dataset.name"))
    name = name or " and ".join(_experiments(comparison))
    count = next(iter(examples)) if len(examples) == 1 else None
    return f"{name}, {count:,} to train on" if count else name


def _experiments(comparison: Comparison) -> list[str]:
    return list(dict.fromkeys(sweep.experiment for sweep in comparison.sweeps))


def _model(comparison: Comparison, params: Mapping[str, str]) -> str:
    name = _class(params, "model")
    if not name:
        return ""
    hidden = params.get("model.hidden", "").strip("[]").replace(", ", "-")
    sizes = {row.member.trace.facts.parameters for row in comparison.rows}
    size = next(iter(sizes)) if len(sizes) == 1 else None
    return f"{name}{' ' + hidden if hidden else ''}{f', {size:,} parameters' if size else ''}"


def _schedule(params: Mapping[str, str]) -> str:
    """Empty where the module of ``optimizer=own`` may bring one."""
    if params.get("optimizer.name") == "own" and params.get("scheduler._target_") in (None, "null"):
        return ""
    return params.get("scheduler.name") or _class(params, "scheduler")


def _optimizer(params: Mapping[str, str]) -> str:
    name = _class(params, "optimizer")
    name = "the module's own" if name == "null" else name  # optimizer=own
    extra = [
        f"{word} {value}"
        for key, word in (("momentum", "momentum"), ("weight_decay", "weight decay"))
        if (value := params.get(f"optimizer.{key}", "")) not in ("", "0", "0.0", "null")
    ]
    return ", ".join([name, *extra]) if name else ""


def _updates(comparison: Comparison) -> str:
    steps = {row.outcome.steps for row in comparison.rows if not row.member.failed}
    return f"{steps.pop():,}" if len(steps) == 1 else ""
