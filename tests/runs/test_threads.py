"""One thread for a small network, torch's own choice for a large one, and what the config says where it says it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from lrscope.training import threads

TWO_CORES = """
import json, sys
import torch
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from single_runs import compose_config
from lrscope.training.checkpoint_folder import CheckpointFolder
from lrscope.core.job import Job
from lrscope.runs.prepare import prepare
from lrscope.training.recording import RunRecorder
from lrscope.runs.fit import assemble
used = []
for words in json.loads(sys.argv[2]):
    prepared = prepare(compose_config(*words), Job(Path("job"), ()))
    assemble(prepared, RunRecorder(prepared.plan), CheckpointFolder(Path("checkpoints")))
    used.append(torch.get_num_threads())
print(json.dumps(used))
"""

SMALL = nn.Sequential(nn.Flatten(), nn.Linear(64, 10), nn.Dropout(0.5), nn.BatchNorm1d(10))


def _threads_of_runs(folder: Path, *runs: list[str], cores: int = 2) -> list[int]:
    """What is used for runs that one process assembles one after the other."""
    environment = os.environ | {"OMP_NUM_THREADS": str(cores)}
    command = [sys.executable, "-c", TWO_CORES, str(Path(__file__).parent), json.dumps(runs)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=folder, env=environment)
    return list(json.loads(done.stdout))


@pytest.mark.long
def test_threads_follow_the_size_of_an_update(tmp_path: Path) -> None:
    wide = ["model.hidden=[1024,1024]"]
    own = ["trainer.threads=2"]
    assert _threads_of_runs(tmp_path, [], wide, [], own, wide) == [1, 2, 1, 2, 2]
    assert _threads_of_runs(tmp_path, [*wide, "batch_size=1"], wide, cores=1) == [1, 1]


@pytest.mark.parametrize(("batch_size", "expected"), [(26_041, 1), (26_042, 2)])
def test_the_bound_is_in_operations_of_an_update(
    monkeypatch: pytest.MonkeyPatch, batch_size: int, expected: int
) -> None:
    """64 x 10 products and sums forward, and twice as many back: 3,840 of an example."""
    monkeypatch.setattr(threads, "most", lambda: 2)
    assert threads.fitting(SMALL, torch.zeros(1, 8, 8), batch_size) == expected


def test_asking_leaves_network_and_random_numbers_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "most", lambda: 2)
    before, generator = {k: v.clone() for k, v in SMALL.state_dict().items()}, torch.get_rng_state()
    threads.fitting(SMALL.train(), torch.ones(1, 8, 8), 32)
    assert SMALL.training and all(torch.equal(value, before[key]) for key, value in SMALL.state_dict().items())
    assert torch.equal(torch.get_rng_state(), generator)


class Picky(nn.Module):
    """Takes no batch of one."""

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        assert len(inputs) > 1
        return inputs


def test_a_network_that_cannot_be_counted_has_torch_s_own_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "most", lambda: 2)
    assert threads.fitting(Picky(), torch.zeros(1, 4), 32) == 2
    words = nn.Sequential(nn.Embedding(9, 4), nn.Flatten(), nn.Linear(12, 2))
    assert threads.fitting(words, torch.tensor([[1, 2, 3]]), 32) == 1
