"""What each kind of device is called, and float16 on all of them."""

from __future__ import annotations

import pytest
import torch
from pytorch_lightning.plugins import MixedPrecision, Precision
from pytorch_lightning.trainer.connectors.accelerator_connector import _AcceleratorConnector


@pytest.fixture(params=["cpu", "gpu"])
def device(request: pytest.FixtureRequest) -> str:
    """Of ``trainer=``."""
    if request.param == "gpu" and not torch.cuda.is_available():
        pytest.skip("no CUDA GPU is here")
    return str(request.param)


@pytest.fixture
def float16_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lightning, and so lrscope, takes no float16 on a processor, though torch does; with this it takes it there, too,
    with torch's own scaler for a run alone.
    """
    usual = _AcceleratorConnector._check_and_init_precision

    def precision(connector: _AcceleratorConnector) -> Precision:
        on_cpu = connector._precision_flag == "16-mixed" and connector._accelerator_flag == "cpu"
        return MixedPrecision("16-mixed", "cpu") if on_cpu else usual(connector)

    monkeypatch.setattr(_AcceleratorConnector, "_check_and_init_precision", precision)
