"""What is wrong with a LightningModule is told in a line before a run is made."""

from __future__ import annotations

from pathlib import Path

import pytest

from runs.test_own_parts import try_out

REFUSED = {
    "NoStep": ((), "is a LightningModule without a training_step"),
    "GivesNothing": ((), "returns nothing from its training_step"),
    "Detached": ((), "does not depend on its parameters"),
    "OfAConstant": ((), "gradient reaches none of its parameters"),
    "PerExample": ((), "returns a loss of shape [100] from its training_step. Return its mean"),
    "Broadcasts": ((), "compares each answer with every target in its loss (Using a target size (torch.Size([100]))"),
    "GivesText": ((), "must return a Tensor, a dict, or None"),
    "DictWithoutLoss": ((), "the 'loss' key needs to be present"),
    "WantsDepth": ((), "is missing, wrong_modules.WantsDepth needs it. Add +model.depth=VALUE"),
    "WantsThree": ((), "cannot train on a batch of the dataset blobs (ValueError: not enough values to unpack"),
    "CannotValidate": ((), "cannot validate on a batch of the dataset blobs"),
    "OtherLogger": ((), "lrscope has no logger.experiment: log numbers by self.log"),
    "Exits": ((), "cannot train on a batch"),
    "NeverSteps": ((), "steps no optimizer in 12 batches"),
    "TellsNoLoss": ((), "tells no loss of a batch"),
    "Normed": (("dataset.examples=1201",), "cannot train on an epoch's last batch, 1 example"),
    "Lazy": (
        ("dataset._target_=own_modules.Fed", "+dataset.form=triple"),
        "wait for a first batch to know their shape",
    ),
    "NoOptimizer": (("optimizer=own",), "makes no optimizer in its configure_optimizers"),
    "TwoAtOnce": (("optimizer=own",), "multiple optimizers is only supported with manual optimization"),
    "made": ((), "is a function that makes a LightningModule, Plain. Name the class itself"),
}
KEYS = {
    "a loss": (("loss=mse",), "own_modules.Plain computes its own loss in its training_step"),
    "a metric": (("metrics=[f1]",), "of whose answers only its own steps know"),
    "sharpness": (("callbacks.sharpness_every_epochs=1",), "is measured of networks whose loss comes from the config"),
    "parameters": (("callbacks.parameters=true",), "follows networks whose loss comes from the config"),
    "several devices": (("trainer.devices=2", "trainer.strategy=ddp"), "is trained on one device so far"),
    "an unknown argument": (("+model.depth=3",), "takes no such argument"),
    "a rate of nobody's": (("lr=-1",), "a learning rate is a finite number above 0"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_module_is_refused_in_a_line(tmp_path: Path, name: str) -> None:
    words, expected = REFUSED[name]
    lines = try_out(tmp_path, f"model._target_=wrong_modules.{name}", "dataset=blobs", "batch_size=100", *words)
    assert isinstance(lines, list), "trained"
    assert len(lines) == 1, lines
    assert expected in lines[0]


@pytest.mark.parametrize("name", KEYS)
def test_a_key_is_refused_in_a_line(tmp_path: Path, name: str) -> None:
    words, expected = KEYS[name]
    lines = try_out(tmp_path, "model._target_=own_modules.Plain", "dataset=blobs", "batch_size=100", *words)
    assert isinstance(lines, list), "trained"
    assert len(lines) == 1, lines
    assert expected in lines[0]
