"""docs/recipes.md as it stands: its file, its commands, run for an epoch."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
import torch
from command_line import CHECKOUT, HERE, Typed, type_command
from PIL import Image
from torch import nn

RECIPES = (CHECKOUT / "docs" / "recipes.md").read_text()


NOT_HERE = ("hydra/launcher=", "resume=", "model=hf", "model=timm")
"""What needs a cluster, other processes, an earlier sweep, or a further package (``test_hf_sweeps.py``)."""


def typed_commands() -> list[list[str]]:
    """Words of all trainings of the recipes."""
    lines = [line for block in re.findall(r"```sh\n(.*?)```", RECIPES, re.DOTALL) for line in block.splitlines()]
    return [shlex.split(line)[2:] for line in lines if line.startswith("python train.py")]


def trained_commands() -> list[list[str]]:
    """Words of the recipes that train here."""
    return [words for words in typed_commands() if not any(word.startswith(NOT_HERE) for word in words)]


def says_its_length(words: list[str]) -> bool:
    return any(word.startswith("max_steps=") for word in words)


def write_files(folder: Path) -> None:
    """The files that the recipes name, small ones."""
    folder.mkdir()
    random = np.random.default_rng(0)
    rows = [f"{k},{k * 7 % 50},{('Bern', 'Genève')[k % 2]},{(k * 7 % 50) * 1000 + 5.5}" for k in range(60)]
    for name, some in (("houses", rows), ("more", rows[:9])):
        (folder / f"{name}.csv").write_text("\n".join(["id,size,town,price", *some]), encoding="utf-8")
    for number in range(40):
        place = folder / "photos" / ("cat", "dog")[number % 2] / f"{number}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(random.integers(0, 256, (20, 30, 3), np.uint8)).save(place)
    x, y = random.integers(0, 256, (80, 8, 8), np.uint8), np.arange(80) % 10
    np.savez(folder / "scans.npz", x=x, y=y)
    np.save(folder / "x.npy", x.reshape(80, 64).astype(float))
    np.save(folder / "y.npy", y)
    write_weights(folder / "digits.ckpt")
    moods = [f"it was {('good', 'bad')[k % 2]} {k},{('up', 'down')[k % 2]}" for k in range(80)]
    (folder / "reviews.csv").write_text("\n".join(["text,mood", *moods]))
    (folder / "poems.txt").write_text("shall I compare thee to a summer's day\nthou art more lovely\n" * 40)


def write_weights(file: Path) -> None:
    """Of a network for five digits, as a run keeps them."""
    shape = [nn.Flatten(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 5)]
    saved = nn.Sequential(*shape).state_dict()
    torch.save({"state_dict": {f"network.layers.{name}": tensor for name, tensor in saved.items()}}, file)


ALL_COMMANDS_S = 900
"""Some forty commands in one process: minutes on a busy machine."""

pytestmark = [pytest.mark.long, pytest.mark.timeout(ALL_COMMANDS_S + 20)]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Typed, list[dict[str, str]]]:
    folder = tmp_path_factory.mktemp("recipes")
    blocks = re.findall(r"```python\n# mine\.py\n(.*?)```", RECIPES, re.DOTALL)
    (folder / "mine.py").write_text("\n\n".join(blocks))
    write_files(folder / "root")
    commands = folder / "commands.json"
    short = ["trainer=cpu", "tracking.log_model=none"]
    of_a_sweep = ["sweep.together=always", "sweep.report=false"]
    typed_words = [
        [*words, *short, *([] if says_its_length(words) else ["epochs=1"]), *(of_a_sweep if "-m" in words else ())]
        for words in trained_commands()
    ]
    commands.write_text(json.dumps(typed_words))
    typed = type_command(
        folder / "root",
        str(commands),
        program=[str(HERE / "type_many.py")],
        path=folder,
        store=True,
        at_most_s=ALL_COMMANDS_S,
    )
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


def test_a_lightning_module_keeps_its_own_names(trained: tuple[Typed, list[dict[str, str]]]) -> None:
    typed = trained[0]
    runs = [r for r in typed.runs() if r.data.params.get("model._target_") == "mine.LitClassifier"]
    members = [run for run in runs if run.data.tags["lrscope.kind"] == "member"]
    assert len(members) == 5
    for run in members:
        assert {"train_loss", "val_f1", "train/loss", "train/loss_eval", "val/loss"} <= run.data.metrics.keys()
        assert typed.curve(run, "val_loss") == typed.curve(run, "val/loss")
        assert set(typed.curve(run, "lr").values()) == {float(run.data.params["lr"])}


def test_a_table_is_compared_in_its_own_unit(trained: tuple[Typed, list[dict[str, str]]]) -> None:
    typed, answers = trained
    (run,) = [run for run in typed.runs() if run.info.run_name == "lr=0.1" and "val/rmse" in run.data.metrics]
    prices = np.array([k * 7 % 50 * 1000 + 5.5 for k in range(60)])
    loss, error = run.data.metrics["val/loss"], run.data.metrics["val/rmse"]
    assert error**2 == pytest.approx(loss * prices.var(), rel=0.2), "the deviation is that of the training rows"
    assert run.data.params["dataset.path"] == str(typed.root / "houses.csv"), "the whole path"
    (data,) = run.inputs.dataset_inputs
    assert data.dataset.name == "houses" and len(data.dataset.digest) == 16 and "48 rows train" in data.dataset.source
    told = next(
        a["out"] for a, words in zip(answers, trained_commands(), strict=True) if "dataset.target=price" in words
    )
    assert "houses.csv: price holds numbers to predict" in told


def test_files_of_every_kind_become_batched_sweeps(trained: tuple[Typed, list[dict[str, str]]]) -> None:
    typed = trained[0]
    members: dict[str, list[str]] = {}
    for run in typed.runs():
        if run.data.tags["lrscope.kind"] == "member":
            members.setdefault(run.data.params["dataset.name"], []).append(run.data.tags["lrscope.together"])
    assert members["houses"] == ["true"] * 3 and members["scans"] == ["true"] * 2
    assert members["reviews"] == ["true"] * 4, "two stacks, one a model"
    assert len(members["photos"]) == 4 and members["photos"].count("true") >= 2, "the residual one may be refused"
    assert members["poems"] == ["true"] * 2
