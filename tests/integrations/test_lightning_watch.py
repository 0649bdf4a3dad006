"""The callback in real fits of Lightning's: one that fails, one that works."""

from __future__ import annotations

from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

import lrscope
from lrscope.integrations.lightning import Watch

X = torch.randn(128, 4, generator=torch.Generator().manual_seed(1))
Y = (X[:, 0] > X[:, 1]).long()


class Classifier(pl.LightningModule):
    def __init__(self, rate: float) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.rate, self.used = rate, []
        self.layers = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 2))

    def training_step(self, batch: Any, _: int) -> Tensor:
        return nn.functional.cross_entropy(self.layers(batch[0]), batch[1])

    def validation_step(self, batch: Any, _: int) -> None:
        answers = self.layers(batch[0])
        self.log("val_loss", nn.functional.cross_entropy(answers, batch[1]))
        self.log("val_acc", (answers.argmax(1) == batch[1]).float().mean())

    def on_before_optimizer_step(self, optimizer: Any) -> None:
        norm = torch.stack([p.grad.norm() for p in self.parameters()]).norm().item()
        self.used.append((optimizer.param_groups[0]["lr"], norm))

    def configure_optimizers(self) -> Any:
        optimizer = torch.optim.SGD(self.parameters(), lr=self.rate, momentum=0.9)
        return [optimizer], [torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9)]


def fit(tmp_path: Any, rate: float, epochs: int, **more: Any) -> tuple[Classifier, Watch, pl.Trainer]:
    module, loader = Classifier(rate), DataLoader(TensorDataset(X, Y), 32)
    settings = {key: more.pop(key) for key in ("stop_when", "every") if key in more}
    watch = Watch(**settings)
    trainer = pl.Trainer(
        max_epochs=epochs, callbacks=[watch], accelerator="cpu", logger=False, enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False, default_root_dir=tmp_path, **more,
    )  # fmt: skip
    trainer.fit(module, loader, DataLoader(TensorDataset(X, Y), 128))
    return module, watch, trainer


# Lightning 2.6 on torch 2.13 warns, whoever calls its Trainer.
pytestmark = pytest.mark.filterwarnings(
    "ignore:The '.*' does not have many workers",
    "ignore:You defined a .validation_step.",
    "ignore:.*LeafSpec.*:FutureWarning",
    "ignore::DeprecationWarning",
)


def test_a_fit_that_works(tmp_path: Any, capsys: pytest.CaptureFixture[str]) -> None:
    module, watch, _ = fit(tmp_path, 0.05, 6, every=1)
    assert watch.watched is not None
    trace = watch.watched.trace
    assert trace.get("grad_norm").values.tolist() == pytest.approx([norm for _, norm in module.used])
    assert sorted(set(trace.get("lr").values)) == sorted({rate for rate, _ in module.used})
    assert trace.get("val/loss").steps.tolist() == [3, 7, 11, 15, 19, 23] and len(trace.get("val/acc")) == 6
    assert len(trace.get("dead_units")) == 24 and len(trace.get("output_spread")) == 6
    assert not watch.diagnosis.failed and watch.diagnosis.verdict in capsys.readouterr().out


def test_a_fit_that_fails_is_ended(tmp_path: Any) -> None:
    _, watch, trainer = fit(tmp_path, 1e5, 50, stop_when=["diverged"])
    assert watch.diagnosis.verdict == "diverged" and trainer.global_step < 200


def test_weights_are_those_without_it(tmp_path: Any) -> None:
    watched, _, _ = fit(tmp_path, 0.05, 2, every=1)
    plain = Classifier(0.05)
    trainer = pl.Trainer(
        max_epochs=2, accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False, default_root_dir=tmp_path,
    )  # fmt: skip
    trainer.fit(plain, DataLoader(TensorDataset(X, Y), 32))
    assert all(torch.equal(a, b) for a, b in zip(watched.parameters(), plain.parameters(), strict=True))


def test_the_loss_of_accumulated_batches_is_the_mean_of_theirs(tmp_path: Any) -> None:
    _, one, _ = fit(tmp_path, 1e-9, 1)
    _, two, _ = fit(tmp_path, 1e-9, 1, accumulate_grad_batches=2)
    assert one.watched is not None and two.watched is not None
    batches = one.watched.trace.get("train/loss").values
    assert two.watched.trace.get("train/loss").values == pytest.approx(batches.reshape(2, 2).mean(1), rel=1e-5)


def test_before_a_fit_there_is_no_diagnosis() -> None:
    with pytest.raises(lrscope.LrscopeError, match="nothing has been trained"):
        _ = Watch().diagnosis


def test_callbacks_are_found_by_their_whole_name() -> None:
    assert lrscope.integrations.lightning.Watch is Watch
    with pytest.raises(AttributeError, match="has no attribute 'fastai'"):
        _ = lrscope.integrations.fastai
