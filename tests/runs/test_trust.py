"""A command that comes out of a store is run again only where it can do no harm."""

from __future__ import annotations

import pytest

from lrscope.config.trust import check_stored_overrides
from lrscope.core.errors import InputError


@pytest.mark.parametrize(
    "override",
    [
        "model._target_=os.system",
        "+callbacks.extra=[{_target_: subprocess.run, args: [ls]}]",
        "model={'_target_':'builtins.eval'}",
        "--config-dir=/tmp/elsewhere",
        "-m",
        "hydra.callbacks.mine._target_=lrscope.errors.Problem",
        "hydra.run.dir=/etc",
        "scheduler._target_=torchlike.Evil",
    ],
)
def test_refused(override: str) -> None:
    with pytest.raises(InputError, match="stored override"):
        check_stored_overrides(["lr=1,0.1", override])


def test_taken() -> None:
    check_stored_overrides(
        [
            "lr=1,0.01,0.0001",
            "model.hidden=[25,12]",
            "experiment=line",
            "hydra/launcher=joblib",
            "+model.input_shape=[10]",
            "optimizer._target_=torch.optim.NAdam",
            "~callbacks.extra",
        ]
    )
    check_stored_overrides(["model._target_=mine.Net"], allowed=["mine"])
