"""What most people write: Lightning, a DataLoader, torchmetrics, MLFlowLogger and LearningRateMonitor, a run a rate.

    python benchmarks/peer.py --lr 1,0.01,0.0001 --epochs 50 --store sqlite:///mlflow.db

Written for the comparison in docs/performance.md: the same data, network, batches a run and metrics as lrscope's
default, everything else left as it comes. Left alone, Lightning records a fiftieth of the steps; ``--every 1``
records all, as lrscope does, and takes three times as long.
"""

from __future__ import annotations

import argparse

import pytorch_lightning as pl
import torch
import torchmetrics
from pytorch_lightning.callbacks import LearningRateMonitor, ModelCheckpoint
from pytorch_lightning.loggers import MLFlowLogger
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

NETWORKS = {
    "mlp": lambda: nn.Sequential(
        nn.Flatten(), nn.Linear(64, 25), nn.ReLU(), nn.Linear(25, 12), nn.ReLU(), nn.Linear(12, 10)
    ),
    "cnn": lambda: nn.Sequential(
        *(nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(128, 10)),
    ),
}
"""The same as lrscope's models of those names."""


class Digits(pl.LightningModule):
    def __init__(self, lr: float, model: str) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.lr = lr
        self.network = NETWORKS[model]()
        self.loss = nn.CrossEntropyLoss()
        self.train_accuracy = torchmetrics.classification.MulticlassAccuracy(num_classes=10, average="micro")
        self.val_accuracy = torchmetrics.classification.MulticlassAccuracy(num_classes=10, average="micro")

    def training_step(self, batch: tuple[Tensor, Tensor]) -> Tensor:
        inputs, targets = batch
        answers = self.network(inputs)
        loss = self.loss(answers, targets)
        self.train_accuracy(answers, targets)
        self.log("train/loss", loss, on_step=True, on_epoch=True)
        self.log("train/acc", self.train_accuracy, on_step=False, on_epoch=True)
        return loss

    def validation_step(self, batch: tuple[Tensor, Tensor]) -> None:
        inputs, targets = batch
        answers = self.network(inputs)
        self.val_accuracy(answers, targets)
        self.log("val/loss", self.loss(answers, targets))
        self.log("val/acc", self.val_accuracy)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.Adam(self.parameters(), lr=self.lr)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lr", default="1,0.01,0.0001")
    parser.add_argument("--model", default="mlp", choices=list(NETWORKS))
    parser.add_argument("--epochs", type=int, default=50)
    parser.add_argument("--every", type=int, default=50, help="record every n-th step; 50 is Lightning's own default")
    parser.add_argument("--store", default="sqlite:///mlflow.db")
    parser.add_argument("--experiment", default="peer")
    arguments = parser.parse_args()
    bunch = load_digits()
    inputs = torch.from_numpy(bunch.images).float().div(16).unsqueeze(1)
    targets = torch.from_numpy(bunch.target)
    split = train_test_split(inputs, targets, test_size=360, random_state=0, stratify=targets)
    train, val = TensorDataset(split[0], split[2]), TensorDataset(split[1], split[3])
    for rate in arguments.lr.split(","):
        pl.seed_everything(0, verbose=False)
        logger = MLFlowLogger(arguments.experiment, run_name=f"lr={rate}", tracking_uri=arguments.store)
        trainer = pl.Trainer(
            max_epochs=arguments.epochs,
            accelerator="cpu",
            logger=logger,
            log_every_n_steps=arguments.every,
            callbacks=[LearningRateMonitor("step"), ModelCheckpoint(monitor="val/loss")],
        )
        trainer.fit(
            Digits(float(rate), arguments.model),
            DataLoader(train, batch_size=32, shuffle=True),
            DataLoader(val, batch_size=360),
        )


if __name__ == "__main__":
    main()
