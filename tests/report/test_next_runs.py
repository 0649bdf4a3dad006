from __future__ import annotations

import shlex

from made_sweeps import member, sweep

from lrscope.report.analysis.comparison import Group, compare
from lrscope.report.analysis.next_runs import beyond, command, more_seeds


def group(overrides: tuple[str, ...], axes: tuple[str, ...] = ("lr",), **settings: str) -> Group:
    made = sweep([member(0.1, [0.5], settings=settings or None)], axes, overrides)
    return compare((made,)).groups[0]


def test_rates_and_seeds_replace_what_the_command_had() -> None:
    text = command(group(("model=mlp", "lr=1,2", "seed=0,1", "+model.extra=3")), [0.01, 0.1], seeds="0,1")
    assert text == "python train.py -m model=mlp +model.extra=3 lr=0.01,0.1 seed=0,1"


def test_a_group_keeps_its_own_settings_only() -> None:
    made = group(("optimizer=adam,sgd", "lr=1,2"), ("lr", "optimizer"), optimizer="sgd")
    assert command(made, [0.5]) == "python train.py -m optimizer=sgd lr=0.5"


def test_words_that_a_shell_would_split_are_quoted() -> None:
    text = more_seeds(group(("model.hidden=[25, 12]", "seed=range(3)", "experiment_name=a;rm -rf x")), [0.1])
    assert shlex.split(text) == [
        "python", "train.py", "-m", "model.hidden=[25, 12]", "experiment_name=a;rm -rf x", "lr=0.1", "seed=0,1,2,3,4",
    ]  # fmt: skip


def test_steps_past_the_edge_are_as_wide_as_the_sweep_but_at_most_a_decade() -> None:
    made = group(("lr=1",))
    assert beyond(made, 0.1, [0.05, 0.1], "highest").endswith("lr=0.1,0.2,0.4,0.8")
    assert beyond(made, 0.1, [0.1, 100], "lowest").endswith("lr=0.0001,0.001,0.01,0.1")


def test_of_a_foreign_sweep_only_the_settings_are_told() -> None:
    from dataclasses import replace

    made = sweep([member(0.1, [0.5])], overrides=())
    (foreign,) = compare((replace(made, ours=False),)).groups
    assert command(foreign, [0.1, 0.2]) == "lr=0.1,0.2"
