"""Lightning is loaded without ``scipy.signal``, and whoever wants that has it afterwards."""

from __future__ import annotations

import json
import subprocess
import sys

LOAD = """
import json, sys
from lrscope.training.lean_imports import load_lightning
load_lightning()
loaded = "scipy.signal" in sys.modules
import pytorch_lightning, scipy, scipy.signal, torch, torchmetrics
accuracy = torchmetrics.Accuracy(task="multiclass", num_classes=3)
accuracy = accuracy(torch.tensor([0, 1, 2, 2]), torch.tensor([0, 1, 2, 1]))
print(json.dumps([loaded, float(accuracy), len(scipy.signal.butter(2, 0.5)[0])]))
"""


def test_scipy_signal_is_left_out_and_can_still_be_had() -> None:
    done = subprocess.run([sys.executable, "-c", LOAD], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == [False, 0.75, 3]
