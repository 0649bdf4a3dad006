"""The terminal is not the training: a command ends as it would, whatever became of what it prints to."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import CHECKOUT, HERE, Typed

from servers import empty_store

OUTPUTS = {
    "closed": "{command} >&-",
    "all closed": "{command} <&- >&- 2>&-",
    "full": "{command} >/dev/full 2>/dev/full",
    "a reader that left": "set -o pipefail; {command} 2>&1 | head -1",
}
SWEEP = "-m lr=0.3,0.1 dataset=blobs batch_size=200 model.hidden=[4] epochs=1 trainer=cpu optimizer=sgd"
PRINTS = """
import sys
from lrscope.core.std_streams import spare_the_command
spare_the_command()
print("x" * 100)
for line in range(20_000):
    print("line", line)
print("y", file=sys.stderr)
file = open(sys.argv[1], "w")
assert file.fileno() > 2
file.write("done")
sys.exit(3)
"""


def _shell(line: str, folder: Path, **own: str) -> int:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("MLFLOW_", "LRSCOPE_", "HYDRA_"))}
    done = subprocess.run(["bash", "-c", line], cwd=folder, env=environment | own, capture_output=True, check=False)
    return done.returncode


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("output", OUTPUTS.values(), ids=OUTPUTS)
def test_what_cannot_be_printed_is_dropped(tmp_path: Path, output: str, unbuffered: str) -> None:
    (tmp_path / "prints.py").write_text(PRINTS)
    line = output.format(command=f"{sys.executable} prints.py done.txt")
    assert _shell(line, tmp_path, PYTHONUNBUFFERED=unbuffered) == 3
    assert (tmp_path / "done.txt").read_text() == "done"


@pytest.mark.long
@pytest.mark.parametrize("output", ["all closed", "full", "a reader that left"])
def test_a_sweep_ends_as_without(tmp_path: Path, output: str) -> None:
    (tmp_path / "mlflow.db").write_bytes(empty_store().read_bytes())
    line = OUTPUTS[output].format(command=f"{sys.executable} {CHECKOUT / 'train.py'} {SWEEP}")
    code = _shell(line, tmp_path, LRSCOPE_ROOT=str(tmp_path), OMP_NUM_THREADS="1", PYTHONPATH=str(HERE))
    typed = Typed(tmp_path, code, "", "", 0.0)
    assert code == 0
    assert [run.info.status for run in typed.runs()] == ["FINISHED"] * 3
    (parent,) = [run for run in typed.runs() if run.data.tags["lrscope.kind"] == "sweep"]
    assert "report/report.html" in typed.artifacts(parent, "report")
