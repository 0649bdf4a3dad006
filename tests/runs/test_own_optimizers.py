"""``optimizer=own``: what a LightningModule's configure_optimizers makes, at the rate of the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from runs.single_runs import train_whole
from runs.test_lightning_module import model
from runs.test_own_parts import try_out

BLOBS = ("dataset=blobs", "batch_size=200", "epochs=3")
OWN = (*BLOBS, "optimizer=own", "lr=0.02")


def test_the_constructor_gets_the_rate_and_the_schedule_is_its_own(tmp_path: Path) -> None:
    points = train_whole(tmp_path, *model("OwnRate"), *OWN).points
    assert points["lr"] == [(0, 0.02), (5, 0.02), (6, 0.01), (11, 0.01), (12, 0.005), (17, 0.005)]


def test_groups_get_the_rate_and_keep_their_ratios(tmp_path: Path) -> None:
    points = train_whole(tmp_path, *model("TwoGroups"), *OWN).points
    warm = [0.25, 0.5, 0.75, 1.0]
    assert points["lr"][:4] == [(step, pytest.approx(0.02 * share, rel=1e-12)) for step, share in enumerate(warm)]
    assert points["lr/0"] == points["lr"]
    assert points["lr/1"] == [(step, pytest.approx(4 * rate, rel=1e-12)) for step, rate in points["lr"]]


def test_a_schedule_of_the_config_moves_its_only_optimizer(tmp_path: Path) -> None:
    points = train_whole(tmp_path, *model("Single"), *OWN, "scheduler=step", "scheduler.step_size=2").points
    assert points["lr"] == [(0, 0.02), (11, 0.02), (12, 0.01), (17, 0.01)]


def test_each_rate_of_several_optimizers_is_recorded(tmp_path: Path) -> None:
    trained = train_whole(tmp_path, *model("Adversarial"), *OWN)
    assert trained.ending.error is None
    points = trained.points
    assert [step for step, _ in points["train/loss"]] == list(range(18)), "an update is a batch"
    assert points["lr"] == [(0, 0.02), (17, 0.02)], "the first one's"
    assert points["lr/generator"] == [(1, 0.02), (17, 0.02)], "it steps in every second batch"
    assert points["lr/critic"] == [(step, pytest.approx(0.2 * 0.9**step, rel=1e-9)) for step in range(18)]
    assert [step for step, _ in points["grad_norm"]] == list(range(18))
    assert "train/loss_eval" not in points, "its step would train the copy"


def test_an_update_of_several_batches_is_one_step(tmp_path: Path) -> None:
    points = train_whole(tmp_path, *model("Gathering"), *OWN).points
    assert [step for step, _ in points["train/loss"]] == list(range(6))
    assert [step for step, _ in points["val/loss"]] == [1, 3, 5]
    mean = sum(value for _, value in points["train/loss"][:2]) / 2
    assert points["train/loss_epoch"][0] == (1, pytest.approx(mean))


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("OwnRate",), "trains with its own SGD; lr reaches it by its constructor's learning_rate"),
        (("TwoGroups",), "its constructor takes no lr, so it is set in the optimizer's groups"),
        (("TwoGroups", "optimizer=adam"), "Adam and schedule constant take the place of its configure_optimizers"),
    ],
)
def test_how_the_rate_reaches_it_is_said_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], expected: str
) -> None:
    outcome = try_out(tmp_path, *model(words[0]), *OWN, *words[1:])
    assert not isinstance(outcome, list), outcome
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("own_modules.")]
    assert expected in line


REFUSED = {
    "a module that does not listen": ("Deaf", (), "lr=0.02: own_modules.Deaf takes it as learning_rate, but"),
    "a rate twice": ("OwnRate", ("+model.learning_rate=0.5",), "model.learning_rate=0.5: the rate is 0.02"),
    "two schedules": ("OwnRate", ("scheduler=cosine",), "brings a schedule of its own"),
    "a schedule that nobody moves": (
        "Adversarial",
        ("scheduler=cosine",),
        "steps its optimizers and schedules by itself",
    ),
    "no optimizer of its own": ("Plain", (), "has no configure_optimizers"),
    "an argument that it does not see": ("Single", ("+optimizer.momentum=0.9",), "does not see it"),
    "groups that it does not see": ("Single", ("optimizer.groups.head.lr=0.1",), "does not see it"),
    "one optimizer for two": ("Adversarial", ("optimizer=adam",), "try optimizer=own"),
    "clipping by itself": ("Adversarial", ("trainer.gradient_clip_val=1",), "cannot be set up to train"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_is_refused_in_a_line(tmp_path: Path, name: str) -> None:
    module, words, expected = REFUSED[name]
    lines = try_out(tmp_path, *model(module), *OWN, *words)
    assert isinstance(lines, list), "trained"
    assert len(lines) == 1, lines
    assert expected in lines[0]


def test_a_network_has_no_optimizer_of_its_own(tmp_path: Path) -> None:
    (line,) = try_out(tmp_path, *OWN)  # type: ignore[misc]
    assert "is no LightningModule" in line
