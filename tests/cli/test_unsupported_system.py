"""What works where there are no locks, no SIGHUP and no flags of POSIX: Windows, as far as that can be seen here."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

WITHOUT_POSIX = "import sys, signal; sys.modules['fcntl'] = None; del signal.SIGHUP\n"
NAMED = WITHOUT_POSIX + "sys.platform = 'win32'\n"


def python(code: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=folder, check=False)


@pytest.mark.parametrize(
    "call",
    [
        "sys.argv = ['train.py']; from lrscope.cli.main import main",
        "sys.argv = ['lrscope', 'compare']; from lrscope.cli.commands.entry import main",
    ],
)
def test_commands_are_refused_in_one_line(call: str, tmp_path: Path) -> None:
    done = python(f"{NAMED}{call}; sys.exit(main())", tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("error: system=Windows") and len(done.stderr.strip().splitlines()) == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.long
def test_a_file_is_diagnosed_and_a_loop_is_watched_all_the_same(tmp_path: Path) -> None:
    rows = [f"{step},0.6931,0.1" for step in range(200)]
    (tmp_path / "run.csv").write_text("\n".join(["step,loss,lr", *rows]))
    code = """
import lrscope
import torch
print(lrscope.diagnose("run.csv").verdict)
torch.manual_seed(0)
model = torch.nn.Linear(2, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
with lrscope.watch(model, optimizer, record="memory") as w:
    for _ in range(60):
        x = torch.randn(8, 2)
        loss = (model(x) - x.sum(1, keepdim=True)).pow(2).mean()
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        w.step(loss)
print(w.diagnosis.verdict)
"""
    done = python(WITHOUT_POSIX + code, tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["stalled", "trained"]
