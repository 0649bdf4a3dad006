"""``--dry-run``: everything is checked and told as it would be; nothing is trained, recorded or left on disk."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import Typed, type_command

SHORT = ("dataset=blobs", "epochs=3", "batch_size=100", "model.hidden=[6]", "trainer=cpu")


def left(typed: Typed) -> list[str]:
    """Names of what the command left below its root, but for the store that was there."""
    return sorted(file.name for file in typed.root.rglob("*") if file.is_file() and "mlflow.db" not in file.name)


def test_groups_reasons_and_sizes_are_told(tmp_path: Path) -> None:
    words = ("-m", "lr=0.1,0.01", "optimizer=adam,sgd", "+optimizer.foreach=false", *SHORT, "--dry-run")
    typed = type_command(tmp_path, *words)
    assert typed.code == 0, typed.err
    lines = typed.out.splitlines()
    assert lines[0] == "dry run: 4 members; nothing is trained or recorded"
    groups = [line for line in lines if "updates each" in line]
    assert len(groups) == 2 and all(line.startswith("  2 as one model: ") for line in groups)
    assert "lr=0.1 optimizer=adam, lr=0.01 optimizer=adam" in typed.out
    assert left(typed) == [] and typed.runs() == []


def test_what_a_later_word_replaces_is_said(tmp_path: Path) -> None:
    typed = type_command(tmp_path, "-m", "lr=1,0.1", "model=cnn", *SHORT, "model=mlp",
                         "~optimizer.eps", "+optimizer.eps=1e-7", "lr=0.3,0.1", "epochs=3", "--dry-run")  # fmt: skip
    assert "lr=0.3 optimizer.eps=1e-07, lr=0.1 optimizer.eps=1e-07" in typed.out, typed.err
    assert "lr=1,0.1 has no effect: lr=0.3,0.1 comes after it" in typed.err
    assert "model=cnn has no effect: model=mlp comes after it" in typed.err
    assert typed.err.count("has no effect") == 2, "the same word twice, or a key put anew, replaces nothing"


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("optimizer._target_=torch.optim.LBFGS",), "there is no batched update rule for LBFGS"),
        (("sweep.together=never",), "sweep.together=never"),
        (("hydra/launcher=basic",), "hydra/launcher trains each by itself (BasicLauncher)"),
        (("model.hidden=[6],[7]", "lr=0.1"), "no other member differs from it in numbers only"),
    ],
)
def test_why_members_train_one_by_one_is_told(words: tuple[str, ...], reason: str, tmp_path: Path) -> None:
    typed = type_command(tmp_path, "-m", *SHORT, "lr=0.1,0.01", *words, "--dry-run")
    assert typed.code == 0, typed.err
    assert "  2 one by one: " in typed.out and f"    {reason}\n" in typed.out
    assert left(typed) == []


def test_the_sweep_then_does_what_was_told(tmp_path: Path) -> None:
    words = ("-m", "lr=0.1,0.01", *SHORT, "callbacks.look_ahead=false", "tracking.log_model=none")
    told = type_command(tmp_path, *words, "--dry-run", store=True)
    typed = type_command(tmp_path, *words, store=True)
    assert typed.code == 0, typed.err
    said = "2 members train together: too few updates to be worth timing both ways"
    assert said in told.out and said in typed.out
    steps = {int(run.data.tags["lrscope.steps"]) for run in typed.runs() if "lrscope.steps" in run.data.tags}
    assert [f"as one model: {count:,} updates each" in told.out for count in steps] == [True]


def test_the_groups_of_each_worker_of_an_engine_are_told(tmp_path: Path) -> None:
    """Two stacks: three workers are not given one each, as a stack so small gains nothing by being cut."""
    own = ("model.hidden=[6],[7]", "sweep.engine=joblib", "sweep.workers=3")
    typed = type_command(tmp_path, "-m", "lr=0.1,0.01", *SHORT, *own, "--dry-run")
    assert typed.code == 0, typed.err
    lines = typed.out.splitlines()[-4:]
    assert lines[0].startswith("on joblib, 3 workers at one time: 2 groups, about ")
    assert sorted(line.partition(": ")[2] for line in lines[1:3]) == [
        f"2 members as one model (lr=0.1 model.hidden=[{width}], lr=0.01 model.hidden=[{width}])" for width in (6, 7)
    ]
    assert lines[3] == "  1 without work: another group would cost more time than it saves"
    assert left(typed) == []


def test_a_search_is_said_to_stop_most(tmp_path: Path) -> None:
    typed = type_command(tmp_path, "-m", "lr=interval(1e-3,1)", "search.trials=8", *SHORT, "--dry-run")
    assert typed.code == 0, typed.err
    assert "a search: most of these members are stopped at its rungs" in typed.out and "8 as one model" in typed.out


def test_a_lone_run_and_what_is_wrong(tmp_path: Path) -> None:
    alone = type_command(tmp_path, "lr=0.1", *SHORT, "--dry-run")
    assert alone.code == 0 and "dry run: 1 member;" in alone.out and "1 alone: " in alone.out
    wrong = type_command(tmp_path, "-m", "lr=1,-1", *SHORT, "--dry-run")
    assert wrong.code == 2 and "lr=-1" in wrong.err and "dry run" not in wrong.out
    both = type_command(tmp_path, "-m", "lr=1,2", *SHORT, "--dry-run", "--json")
    assert both.code == 2 and "has no answer for --json" in both.out
    assert left(alone) == []
