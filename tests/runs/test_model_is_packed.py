"""The trained network as an MLflow model: packed in a moment, loaded anywhere, and never the end of a run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from single_runs import compose_config

from lrscope.config.overrides import run_config
from lrscope.core.job import Job
from lrscope.core.outcome import Outcome
from lrscope.runs.run import run

HERE = Path(__file__).parent


def trained(folder: Path, model: str) -> tuple[Outcome, Path]:
    """A lone run that keeps its model, and where that lies."""
    words = ["dataset=blobs", "epochs=1", "tracking.mode=offline", f"tracking.spool={folder / 'spool'}"]
    words += ["tracking.log_model=best", f"model._target_=own_parts.{model}"]
    cfg = run_config(compose_config(*words), words)
    outcome = run(cfg, Job(folder / "job", ()))
    return outcome, folder / "spool" / outcome.local_id / "model"


def in_fresh_process(program: str, *arguments: object) -> str:
    words = [sys.executable, "-W", "ignore", "-c", program, *map(str, arguments)]
    done = subprocess.run(words, cwd="/", capture_output=True, text=True, check=False, timeout=280)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.long
@pytest.mark.filterwarnings("ignore")  # MLflow warns of its own type hints
def test_a_forward_with_an_if_loads_where_its_module_is_not(tmp_path: Path) -> None:
    outcome, folder = trained(tmp_path, "Branching")
    assert outcome.status == "FINISHED"
    answers = "import sys, mlflow; m = mlflow.pyfunc.load_model(sys.argv[1]); print(m.predict(m.input_example).shape)"
    assert in_fresh_process(answers, folder).endswith("(2, 2)")


def test_packing_traces_nothing(tmp_path: Path) -> None:
    """Tracing a network takes seconds, where pickling it takes a tenth of one."""
    program = (
        "import sys, torch; from pathlib import Path\n"
        "from lrscope.tracking.mlflow_store.model_package import get_ready_to_pack, save_model\n"
        "get_ready_to_pack(); save_model(torch.nn.Linear(3, 2), torch.zeros(2, 3), Path(sys.argv[1]))\n"
        "print('torch.export._trace' in sys.modules, (Path(sys.argv[1]) / 'MLmodel').is_file())"
    )
    assert in_fresh_process(program, tmp_path / "model").endswith("False True")


def test_a_network_that_cannot_be_packed_does_not_end_its_run(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="the trained model was not packed"):
        outcome, folder = trained(tmp_path, "CannotBePacked")
    assert outcome.status == "FINISHED"
    assert outcome.verdict
    assert not (folder / "MLmodel").exists()
