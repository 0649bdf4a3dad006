"""Which trainings are in the corpus: sweeps drawn at random, each over rates from 1e-6 to 100."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

import numpy as np

from corpus_parts.rates import SCHEDULES


@dataclass(frozen=True)
class Case:
    """One training. ``sweep`` numbers the cases that share everything but rate and seed."""

    sweep: str
    problem: str
    data_seed: int
    hidden: tuple[int, ...]
    activation: str
    init: str
    optimizer: str
    momentum: float
    nesterov: bool
    schedule: str
    lr: float
    seed: int
    epochs: int
    batch_size: int
    weight_decay: float | None = None
    """None: what the optimizer's class has."""
    clip: float | None = None
    inputs: str = "as they are"
    """Or ``standardised``."""
    kind: str = "plain"
    """What is trained, where it is not the usual: one of ``kinds.KINDS``."""
    body: str = "mlp"
    """Of a sequence ``gru`` or ``transformer``."""

    @property
    def half(self) -> str:
        """``tune`` or ``report``, by the hash of the sweep: a sweep is never torn apart."""
        return "tune" if hashlib.sha256(self.sweep.encode()).digest()[0] % 2 else "report"


TUNED_ON = [
    "digits",
    "digits",
    "image_digits",
    "iris",
    "wine",
    "cancer",
    "diabetes",
    "linnerud",
    "blobs",
    "blobs",
    "blobs6",
    "moons",
    "circles",
    "made",
    "noisy_labels",
    "rare_class",
    "made_regression",
    "raw_wine",
    "raw_cancer",
    "raw_iris",
    "raw_diabetes",
]
FRESH = [
    "friedman",
    "quantiles",
    "hastie",
    "swiss_roll",
    "hard",
    "sparse_regression",
    "raw_friedman",
    "digits",
    "cancer",
]
LAYERS = ((), (16,), (25, 12), (64,), (64, 32), (20, 20, 20), (12,) * 5)
FRESH_LAYERS = ((), (10,), (40, 20), (30, 30, 30, 30), (8, 8))
ACTIVATIONS = ("relu", "relu", "relu", "relu", "tanh", "sigmoid", "gelu", "leaky")
INITS = ("default",) * 5 + ("xavier", "xavier", "he", "large", "zeros")
OPTIMIZERS = ("sgd", "sgd", "momentum", "nesterov", "adam", "adam", "adamw", "rmsprop", "adagrad")


def draw(sweeps: int, rates: int, seed: int, fresh: bool = False) -> list[Case]:
    """``sweeps`` sweeps of ``rates`` cases each, and the line's; ``fresh`` draws what was not tuned on."""
    rng = np.random.default_rng(seed)
    cases = [] if fresh else line_cases()
    for number in range(sweeps):
        case = draw_sweep(rng, f"{'fresh' if fresh else 's'}{seed}-{number}", fresh)
        cases += [replace(case, lr=lr, seed=int(rng.integers(1000))) for lr in spread_rates(rng, rates)]
    return cases


def line_cases() -> list[Case]:
    """The first study, at rates on both sides of its limit of 0.11976."""
    case = Case("line", "line", 0, (), "relu", "zeros", "sgd", 0.0, False, "constant", 0.0, 0, 1000, 4)
    rates = (1e-5, 1e-4, 1e-3, 0.01, 0.1, 0.119, 0.1205, 0.125, 1.0)
    return [replace(case, lr=lr) for lr in rates]


def draw_sweep(rng: np.random.Generator, name: str, fresh: bool) -> Case:
    data = str(rng.choice(FRESH if fresh else TUNED_ON))
    layers = FRESH_LAYERS if fresh else LAYERS
    hidden = layers[rng.integers(len(layers))]
    optimizer = str(rng.choice(OPTIMIZERS))
    schedule = "constant" if rng.random() < 0.6 else str(rng.choice(SCHEDULES))
    steps = float(np.exp(rng.uniform(np.log(20), np.log(2000))))
    size = int(rng.choice([16, 32, 32, 64, 128, 100_000]))
    return Case(
        sweep=name,
        problem=data,
        data_seed=int(rng.integers(100)),
        hidden=hidden,
        activation=str(rng.choice(ACTIVATIONS)),
        init=str(rng.choice(INITS)),
        optimizer="sgd" if optimizer in {"momentum", "nesterov"} else optimizer,
        momentum=0.9 if optimizer in {"momentum", "nesterov"} else 0.0,
        nesterov=optimizer == "nesterov",
        schedule=schedule,
        lr=0.0,
        seed=0,
        epochs=round(steps),  # updates; the trainer turns them into whole epochs
        batch_size=size,
    )


def spread_rates(rng: np.random.Generator, count: int) -> list[float]:
    """Spread evenly over the decades from 1e-6 to 100, one at random in each of ``count`` equal parts."""
    logs = [-6 + 8 * (i + rng.random()) / count for i in range(count)]
    return [float(f"{10**x:.3g}") for x in logs]
