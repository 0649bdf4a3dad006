"""A disk without room takes the newest checkpoint, never the one before, and never the run."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch

from lrscope.training.checkpoint_folder import BEST, LAST, CheckpointFolder, save_tensors

WHOLE = {
    "state_dict": {},
    "loops": {
        "fit_loop": {
            "epoch_progress": {"current": {"completed": 3}},
            "state_dict": {"combined_loader": [{"epoch": 3, "batches": 0}]},
        }
    },
    "global_step": 9,
    "callbacks": {},
    "lrscope_random": {},
    "optimizer_states": [],
    "lr_schedulers": [],
}
"""As little as a file has to say to be taken for a run's checkpoint."""

LARGE = {"state_dict": {"weight": torch.ones(1_000_000)}}


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    if os.geteuid() != 0:
        pytest.skip("only root may mount the small file system that is to be full")
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "lrscope-test", str(disk)]
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"no small file system can be mounted here: {done.stderr}")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def test_the_checkpoint_before_stays(small_disk: Path) -> None:
    folder = CheckpointFolder(small_disk / "checkpoints")
    folder.write(lambda path: torch.save(WHOLE, path))
    with pytest.warns(UserWarning, match="is full: no checkpoint was written, the one before it stays"):
        folder.write(partial(save_tensors, LARGE))
    with pytest.warns(UserWarning, match="is full: the best weights were not written"):
        folder.write_best(LARGE)
    loaded = folder.load()
    assert loaded is not None and loaded.content == WHOLE and loaded.words == ""
    assert {file.name for file in folder.path.iterdir()} == {LAST}, "no half of a file is left"
    subprocess.run(["mount", "-o", "remount,size=16m", str(small_disk)], check=True)
    folder.write_best(LARGE)
    assert (folder.path / BEST).is_file()


def test_no_writer_of_torch_s_own_meets_the_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would end the process: it gives up in a destructor, from where C++ lets no error through."""
    written: list[object] = []
    monkeypatch.setattr(torch._C, "PyTorchFileWriter", _told(torch._C.PyTorchFileWriter, written))
    folder = CheckpointFolder(tmp_path)
    folder.write(partial(save_tensors, {"epoch": 3}))
    folder.write_best({"epoch": 2})
    assert len(written) == 2
    assert not any(isinstance(place, str) for place in written)


def _told(writer: Callable[..., Any], places: list[object]) -> Callable[..., Any]:
    def made(place: object, *rest: Any) -> Any:
        places.append(place)
        return writer(place, *rest)

    return made


def test_another_error_is_not_taken_for_a_full_disk(tmp_path: Path) -> None:
    def refuse(_: str) -> None:
        raise RuntimeError("a state that cannot be saved")

    with pytest.raises(RuntimeError, match="cannot be saved"):
        CheckpointFolder(tmp_path).write(refuse)
