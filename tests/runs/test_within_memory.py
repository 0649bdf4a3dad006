"""A network or data that memory has no room for is refused in a line, before the machine stands still."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

from lrscope.core.errors import InputError
from lrscope.core.within_memory import does_not_fit, within_memory
from runs.test_own_parts import try_out

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="other systems keep no such limit")

TOO_LARGE = {
    "a hidden layer": (("model.hidden=[1000000000]",), "model._target_=lrscope.models.mlp.MLP: does not fit"),
    "two of them": (("model.hidden=[3000000,3000000]",), "model._target_=lrscope.models.mlp.MLP: does not fit"),
    "channels": (
        ("model=cnn", "dataset=fingers", "model.channels=[2000000000]"),
        "model._target_=lrscope.models.cnn.CNN: does not fit",
    ),
    "an embedding": (("model._target_=torch.nn.Linear", "+model.in_features=64", "+model.out_features=9000000000"),
                     "model._target_=torch.nn.Linear: does not fit"),
    "examples": (
        ("dataset=blobs", "dataset.examples=2000000000000"),
        "dataset._target_=lrscope.datasets.blobs.blobs: does not fit",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", TOO_LARGE)
def test_is_refused_in_a_line(tmp_path: Path, name: str) -> None:
    words, expected = TOO_LARGE[name]
    lines = try_out(tmp_path, *words)
    assert isinstance(lines, list)
    assert len(lines) == 1, lines
    assert lines[0].startswith(expected)
    assert "it asks for " in lines[0]
    assert lines[0].endswith("Make it smaller, or train where there is more.")


def test_what_fits_is_given_and_the_limit_goes_again() -> None:
    import resource

    before = resource.getrlimit(resource.RLIMIT_DATA)
    with within_memory():
        assert resource.getrlimit(resource.RLIMIT_DATA) != before
        assert torch.zeros(1000, 1000).sum() == 0
    assert resource.getrlimit(resource.RLIMIT_DATA) == before


def test_large_networks_of_a_sweep_need_not_fit_beside_each_other() -> None:
    """Three of 0.4 GB with their gradients, held one after the other: of those before only the shapes stay."""
    from hydra import compose, initialize_config_dir

    from lrscope.config import schema
    from lrscope.config.overrides import run_config
    from lrscope.core.paths import shipped_conf
    from lrscope.sweeps.build_check import BuildCheck

    schema.register()
    check, cfgs = BuildCheck(), []
    with initialize_config_dir(str(shipped_conf()), version_base="1.3"):
        for hidden, lr in ((10_000, 0.1), (10_001, 0.1), (10_002, 0.1), (10_000, 0.2)):
            words = [f"model.hidden=[{hidden},{hidden}]", f"lr={lr}", "trainer=cpu"]
            cfgs.append(run_config(compose("train", overrides=words), words))
    assert check.problems(cfgs) == []
    held = [network.made for network in check._networks.values() if network is not None]
    assert [next(network.parameters()).is_meta for network in held] == [True, True, False]
    assert all(parameter.grad is None for parameter in held[0].parameters())


def test_only_errors_of_memory_are_taken_for_them() -> None:
    assert does_not_fit(MemoryError()) == "does not fit into memory"
    caused = InputError([])
    caused.__cause__ = RuntimeError(
        "DefaultCPUAllocator: can't allocate memory: you tried to allocate 25600000000 bytes"
    )
    assert does_not_fit(caused) == "does not fit into memory: it asks for 25.6 GB at once"
    assert does_not_fit(ValueError("out of range")) is None
