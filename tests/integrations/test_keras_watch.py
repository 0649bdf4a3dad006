"""The callback in real fits of Keras 3 on torch: one that fails, one that works."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pytest

import lrscope

os.environ.setdefault("KERAS_BACKEND", "torch")
keras = pytest.importorskip("keras", reason="Keras is not installed: pip install 'lrscope[keras]'")

from lrscope.integrations.keras import Watch  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of Keras 3.15 on torch 2.13 and numpy 2.4

X = np.random.default_rng(1).standard_normal((128, 4)).astype("float32")
Y = (X[:, 0] > X[:, 1]).astype("int64")


def network(optimizer: Any, **more: Any) -> Any:
    keras.utils.set_random_seed(0)
    layers = keras.layers
    model = keras.Sequential([layers.Input((4,)), layers.Dense(16, activation="relu"), layers.Dense(2)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer=optimizer, loss=loss, metrics=["accuracy"], **more)
    return model


def falling(rate: float) -> Any:
    return keras.optimizers.schedules.ExponentialDecay(rate, 4, 0.9, staircase=True)


def fit(model: Any, epochs: int, *callbacks: Any) -> Any:
    validation = (X, Y)
    return model.fit(
        X, Y, batch_size=32, epochs=epochs, shuffle=False, verbose=0, validation_data=validation, callbacks=callbacks
    )


class Seen(keras.callbacks.Callback):  # type: ignore[misc]
    """The first batch's loss of each epoch, of which the running mean is the loss itself; rates; gradient norms."""

    def __init__(self) -> None:
        super().__init__()
        self.losses: list[float] = []
        self.norms: list[float] = []

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        gradients = [variable.value.grad for variable in self.model.trainable_variables]
        self.norms.append(float(sum((g**2).sum() for g in gradients) ** 0.5))
        if batch == 0:
            self.losses.append(float(logs["loss"]))


def test_a_fit_that_works(capsys: pytest.CaptureFixture[str]) -> None:
    watch, seen = Watch(every=1, task="classification"), Seen()
    model = network(keras.optimizers.SGD(falling(0.1), momentum=0.9))
    history = fit(model, 6, watch, seen).history
    assert watch.watched is not None
    trace = watch.watched.trace
    losses = trace.get("train/loss")
    assert losses.steps.tolist() == list(range(24))
    assert losses.values[::4] == pytest.approx(seen.losses)
    assert losses.values.reshape(6, 4).mean(1) == pytest.approx(history["loss"])
    assert trace.get("grad_norm").values == pytest.approx(seen.norms)
    assert sorted(set(trace.get("lr").values), reverse=True) == pytest.approx([0.1 * 0.9**k for k in range(6)])
    assert trace.get("val/loss").values == pytest.approx(history["val_loss"])
    assert trace.get("val/acc").steps.tolist() == [3, 7, 11, 15, 19, 23]
    assert len(trace.get("update_ratio")) == 24 and len(trace.get("output_spread")) == 6
    facts = trace.facts
    assert (facts.optimizer, facts.momentum, facts.planned_steps, facts.parameters) == ("SGD", 0.9, 24, 114)
    assert not watch.diagnosis.failed and watch.diagnosis.verdict in capsys.readouterr().out


def test_a_fit_that_fails_is_ended() -> None:
    watch = Watch(stop_when=["diverged"])
    history = fit(network(keras.optimizers.SGD(1e6)), 50, watch).history
    assert watch.diagnosis.verdict == "diverged" and len(history["loss"]) < 50


def test_weights_are_those_without_it_and_the_optimizer_is_as_it_was() -> None:
    watched, plain = (network(keras.optimizers.Adam(0.01)) for _ in range(2))
    fit(watched, 2, Watch(every=1))
    fit(plain, 2)
    assert all((a == b).all() for a, b in zip(watched.get_weights(), plain.get_weights(), strict=True))
    assert vars(watched.optimizer).keys() == vars(plain.optimizer).keys()


@pytest.mark.parametrize(
    ("optimizer", "more", "said"),
    [
        ({"gradient_accumulation_steps": 2}, {}, "optimizer=SGD: .*accumulates gradients"),
        ({"loss_scale_factor": 8.0}, {}, "optimizer=SGD: scales the loss"),
        ({}, {"jit_compile": True}, "jit_compile=True: no update within it is seen"),
    ],
)
def test_what_cannot_be_seen_is_refused(optimizer: dict[str, Any], more: dict[str, Any], said: str) -> None:
    model = network(keras.optimizers.SGD(0.1, **optimizer), **more)
    with pytest.raises(lrscope.InputError, match=said):
        fit(model, 1, Watch())


def test_before_a_fit_there_is_no_diagnosis() -> None:
    with pytest.raises(lrscope.LrscopeError, match="nothing has been trained"):
        _ = Watch().diagnosis
