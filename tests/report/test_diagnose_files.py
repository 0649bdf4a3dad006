"""``lrscope diagnose`` on files of other programs: what is read from which column, the exit code, the JSON."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

import lrscope
from lrscope.cli.commands import diagnose_command
from lrscope.core.errors import InputError
from lrscope.report.data.curve_files import read_curves

FALLING = [2.0 * math.exp(-step / 20) + 0.1 for step in range(200)]
BROKEN = [1.0, 5.0, 1e3, 1e9, math.nan, math.nan]


def csv_of(path: Path, losses: list[float], head: str = "step,train_loss,lr") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([head, *(f"{step},{loss},0.1" for step, loss in enumerate(losses))]) + "\n")
    return path


def run(*words: str | Path) -> int:
    return diagnose_command.main([str(word) for word in words], "lrscope diagnose")


def test_a_csv_says_its_columns_and_a_failed_verdict_is_3(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(csv_of(tmp_path / "good.csv", FALLING)) == 0
    shown = capsys.readouterr()
    assert "train/loss from 'train_loss'" in shown.err and "step from 'step'" in shown.err and "Trained" in shown.out
    assert run(csv_of(tmp_path / "bad.csv", BROKEN)) == 3
    assert "not a number since step 4" in capsys.readouterr().out


def test_from_python(tmp_path: Path) -> None:
    assert lrscope.diagnose(csv_of(tmp_path / "bad.csv", BROKEN)).failed
    assert lrscope.diagnose(str(csv_of(tmp_path / "good.csv", FALLING))).verdict == "trained"


def test_json_lines_of_lightning_with_gaps(tmp_path: Path) -> None:
    file = tmp_path / "metrics.csv"
    file.write_text("epoch,step,train_loss_step,val_loss\n0,0,2.0,\n0,1,1.5,\n0,1,,1.7\n1,2,1.2,\n")
    trace = read_curves(file).trace
    assert trace.get("train/loss").steps.tolist() == [0, 1, 2]
    assert trace.get("val/loss").steps.tolist() == [1] and trace.get("val/loss").values.tolist() == [1.7]
    lines = tmp_path / "log.jsonl"
    lines.write_text('{"iter": 0, "loss": 2.0}\nno json\n{"iter": 5, "loss": 1.0}\n')
    assert read_curves(lines).trace.get("train/loss").steps.tolist() == [0, 5]


def test_the_first_step_of_transformers_is_the_first_update(tmp_path: Path) -> None:
    file = tmp_path / "trainer_state.json"
    history = [{"step": 1, "loss": 2.0, "learning_rate": 0.1}, {"step": 2, "loss": 1.0}, {"step": 2, "eval_loss": 1.5}]
    file.write_text(json.dumps({"log_history": history}))
    trace = read_curves(file).trace
    assert trace.get("train/loss").steps.tolist() == [0, 1] and trace.get("lr").values.tolist() == [0.1]
    assert trace.get("val/loss").values.tolist() == [1.5]


def test_a_column_of_another_name_is_mapped_or_refused_with_the_remedy(tmp_path: Path) -> None:
    file = csv_of(tmp_path / "own.csv", FALLING, "n,objective,lr")
    with pytest.raises(InputError, match=r"no training loss .*n, objective, lr.*--map train/loss=COLUMN"):
        run(file)
    assert run(file, "--map", "train/loss=objective", "--map", "step=n") == 0
    with pytest.raises(InputError, match="has no column 'loss'"):
        run(file, "--map", "train/loss=loss")
    with pytest.raises(InputError, match="names no column"):
        run(file, "--map", "objective")


def test_a_folder_is_a_table_and_says_what_it_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    csv_of(tmp_path / "a" / "metrics.csv", FALLING)
    csv_of(tmp_path / "b" / "metrics.csv", BROKEN)
    csv_of(tmp_path / "c.csv", FALLING, "x,y,z")
    assert run(tmp_path) == 3
    shown = capsys.readouterr()
    assert [line.split()[:2] for line in shown.out.splitlines()] == [
        ["a/metrics.csv", "trained"],
        ["b/metrics.csv", "diverged"],
    ]
    assert "left out" in shown.err and "c.csv" in shown.err


def test_the_json_of_a_file_has_its_path_and_all_findings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = csv_of(tmp_path / "bad.csv", BROKEN)
    assert run(file, "--json") == 3
    told = json.loads(capsys.readouterr().out)
    (one,) = told["runs"]
    assert one["verdict"] == "diverged" and one["failed"] is True and one["run_id"] == str(file) and one["lr"] == 0.1
    assert one["findings"][0]["verdict"] == "diverged" and one["findings"][0]["why"] == one["why"]


def test_events_of_tensorboard(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason="tensorboard is not installed")
    from torch.utils.tensorboard import SummaryWriter

    with SummaryWriter(str(tmp_path)) as writer:
        for step, loss in enumerate(FALLING[:20]):
            writer.add_scalar("Loss/train", loss, step)
            writer.add_scalar("train/loss", loss, step)
    (file,) = tmp_path.glob("*tfevents*")
    assert read_curves(file).trace.get("train/loss").values == pytest.approx(FALLING[:20], rel=1e-6)


def test_an_offline_run_of_wandb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wandb = pytest.importorskip("wandb", reason="wandb is not installed")
    monkeypatch.setenv("WANDB_SILENT", "true")
    long = "x" * 40_000  # a record of several blocks
    with wandb.init(mode="offline", dir=tmp_path, config={"note": long}, settings={"console": "off"}) as logged:
        for loss in FALLING[:40]:
            logged.log({"train": {"loss": loss}, "lr": 0.1})
        logged.log({"val/loss": 0.5, "text": long})
        logged.log({"train": {"loss": FALLING[41]}}, step=80)
    wandb.teardown()  # its process writes the file, and is done only now
    (file,) = tmp_path.glob("wandb/offline-run-*/*.wandb")
    trace = read_curves(file).trace
    assert trace.get("train/loss").values == pytest.approx([*FALLING[:40], FALLING[41]])
    assert trace.get("train/loss").steps.tolist() == [*range(40), 80] and trace.get("val/loss").steps.tolist() == [40]
    assert run(file.parent) == 0
    torn = tmp_path / "torn.wandb"
    data, text = file.read_bytes(), b'"' + b"x" * 100
    logged_again = data.index(text, data.index(text) + len(long))  # the first is the config's note
    torn.write_bytes(data[: logged_again + 1000])  # within the long text
    assert len(read_curves(torn).trace.get("train/loss")) == 40


def test_a_file_that_only_looks_like_one_of_wandb(tmp_path: Path) -> None:
    file = tmp_path / "run.wandb"
    file.write_bytes(b"nothing")
    with pytest.raises(InputError, match=r"wandb"):
        run(file)
