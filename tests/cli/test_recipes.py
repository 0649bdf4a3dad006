"""docs/recipes.md as it stands: its file, its commands, run for an epoch."""

from __future__ import annotations

import json
import re
import shlex

import pytest
from command_line import CHECKOUT, HERE, Typed, type_command

RECIPES = (CHECKOUT / "docs" / "recipes.md").read_text()


def trained_commands() -> list[list[str]]:
    """Words of the recipes that train here: not those that need a cluster, other processes or an earlier sweep."""
    lines = [line for block in re.findall(r"```sh\n(.*?)```", RECIPES, re.DOTALL) for line in block.splitlines()]
    commands = [shlex.split(line)[2:] for line in lines if line.startswith("python train.py")]
    return [words for words in commands if not any(word.startswith(("hydra/launcher=", "resume=")) for word in words)]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Typed, list[dict[str, str]]]:
    folder = tmp_path_factory.mktemp("recipes")
    blocks = re.findall(r"```python\n# mine\.py\n(.*?)```", RECIPES, re.DOTALL)
    (folder / "mine.py").write_text("\n\n".join(blocks))
    commands = folder / "commands.json"
    short = ["epochs=1", "trainer=cpu", "sweep.report=false", "tracking.log_model=none"]
    commands.write_text(json.dumps([[*words, *short] for words in trained_commands()]))
    typed = type_command(folder / "root", str(commands), program=[str(HERE / "type_many.py")], path=folder, store=True)
    assert typed.code == 0, typed.err
    return typed, json.loads(typed.out)


def test_every_recipe_trains(trained: tuple[Typed, list[dict[str, str]]]) -> None:
    answers = trained[1]
    assert len(answers) == len(trained_commands()) >= 8
    for words, answer in zip(trained_commands(), answers, strict=True):
        assert answer["code"] == 0, f"{' '.join(words)}\n{answer['err']}"


def test_a_callback_records_values_of_its_own(trained: tuple[Typed, list[dict[str, str]]]) -> None:
    typed = trained[0]
    (run,) = [run for run in typed.runs() if "weights/norm" in run.data.metrics]
    (step,) = typed.curve(run, "weights/norm")
    assert step == max(typed.curve(run, "val/loss")), "it stands where the epoch's metrics stand"
    assert run.data.metrics["weights/norm"] > 0


def test_a_module_of_data_says_its_shapes(trained: tuple[Typed, list[dict[str, str]]]) -> None:
    typed = trained[0]
    (run,) = [run for run in typed.runs() if run.data.params.get("dataset._target_") == "mine.Streamed"]
    assert run.info.status == "FINISHED"
    assert {"train/loss_epoch", "train/loss_eval", "val/loss", "val/acc"} <= run.data.metrics.keys()


def test_an_own_schedule_moves_the_rate_at_every_step(trained: tuple[Typed, list[dict[str, str]]]) -> None:
    typed = trained[0]
    (run,) = [r for r in typed.runs() if r.data.params.get("scheduler._target_") == "mine.inverse_square_root"]
    rates = typed.curve(run, "lr")
    assert rates == pytest.approx({step: 0.001 * (step + 1) / 100 for step in range(45)}, rel=1e-9)
