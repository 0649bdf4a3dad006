"""What a step frees is not taken from the system again."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

COUNT = """
import resource, torch
from torch.nn.functional import cross_entropy
from lrscope.training.kept_memory import keep_freed_memory
from lrscope.models.cnn import CNN
from lrscope.batched.model.batched_trainer import BatchedTrainer, Member
torch.set_num_threads(1)
keep_freed_memory()
networks = [CNN((1, 8, 8), 10) for _ in range(48)]
learner = BatchedTrainer([Member(n, torch.optim.SGD(n.parameters(), lr=1e-3)) for n in networks], cross_entropy)
inputs, targets = torch.randn(32, 1, 8, 8), torch.arange(32) % 10
def steps(count):
    for _ in range(count):
        learner.gather(inputs, targets, own=False)
        learner.update()
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
first = steps(10)
print(steps(40) - first)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc hands freed memory back at once")
@pytest.mark.long
def test_steps_after_the_first_get_hardly_a_new_page() -> None:
    """A layer of 48 networks has 1,536 pages; without keeping, 40 steps got from 4,000 to 120,000 pages anew."""
    done = subprocess.run([sys.executable, "-c", COUNT], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 3000
