"""The cases of the benchmark of finds: data sets that packages ship × networks × optimizers × schedules."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from corpus_parts import problems

from lrscope.datasets.data import Data, Part

HALVES = {"tune": 71_000, "held-out": 83_000}
"""The seed of each half's draws. The rule was set on the first alone."""

PROBLEMS = (
    "digits", "iris", "wine", "cancer", "diabetes", "blobs6", "moons", "circles", "made", "noisy_labels", "rare_class",
    "made_regression", "friedman", "quantiles", "hastie", "swiss_roll", "hard", "sparse_regression",
)  # fmt: skip
NETWORKS = (
    ("model=linear",),
    ("model=mlp", "model.hidden=[16]"),
    ("model=mlp", "model.hidden=[32]"),
    ("model=mlp", "model.hidden=[25,12]"),
    ("model=mlp", "model.hidden=[24,24]", "model.activation=tanh"),
    ("model=mlp", "model.hidden=[48]", "model.dropout=0.2"),
)
OTHERS = (
    ("image_digits", ("model=cnn",)),
    ("digit_rows", ("model=gru",)),
    ("marked_tokens", ("model=transformer",)),
    ("digits", ("model=mlp", "model.batch_norm=true", "model.hidden=[32]")),
)
"""Each fourth case is one of these: a convolutional and a recurrent network, a transformer, BatchNorm."""
OPTIMIZERS = {
    "sgd": ("optimizer=sgd",),
    "momentum": ("optimizer=sgd", "optimizer.momentum=0.9"),
    "adam": ("optimizer=adam",),
    "adamw": ("optimizer=adamw", "optimizer.weight_decay=0.05"),
}
SCHEDULES = ("constant", "cosine")
UPDATES = (150, 600)
"""Of a run, at least and at most."""


@dataclass(frozen=True)
class FindCase:
    """One run whose rate is looked for: ``words`` of a command."""

    name: str
    optimizer: str
    schedule: str
    words: tuple[str, ...]


def draw_case(half: str, number: int) -> FindCase:
    """The case of that number: each is drawn by a seed of its own, so that more cases leave the first as they are."""
    rng = np.random.default_rng(HALVES[half] + number)
    name, seed = str(rng.choice(PROBLEMS)), int(rng.integers(1000))
    network = NETWORKS[rng.integers(len(NETWORKS))]
    if number % 4 == 3:
        name, network = OTHERS[number // 4 % len(OTHERS)]
    optimizer, schedule = str(rng.choice([*OPTIMIZERS])), str(rng.choice(SCHEDULES))
    batch_size, updates = int(rng.choice([16, 32, 64])), int(rng.integers(*UPDATES))
    examples = len(problems.problem(name, seed).inputs)
    epochs = max(2, round(updates / -(-examples // batch_size)))
    words = (
        "dataset._target_=find_parts.find_cases.shipped",
        f"+dataset.problem={name}",
        f"+dataset.split={seed}",
        *network,
        *OPTIMIZERS[optimizer],
        f"scheduler={schedule}",
        f"batch_size={batch_size}",
        f"epochs={epochs}",
    )
    return FindCase(f"{half}-{number:03d} {name}", optimizer, schedule, words)


def shipped(problem: str, split: int) -> Data:
    """A data set of the corpus as lrscope takes one; a quarter is for validation."""
    own = problems.problem(problem, split)
    assert own.val_inputs is not None and own.val_targets is not None
    return Data(
        name=problem,
        task="classification" if own.classes else "regression",
        train=Part(own.inputs, own.targets),
        val=Part(own.val_inputs, own.val_targets),
        classes=tuple(map(str, range(own.classes))),
        source="scikit-learn",
    )
