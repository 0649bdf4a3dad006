"""The data sets of the corpus: small ones that scikit-learn bundles or makes, and the line of the first study."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn import datasets as sk
from torch import Tensor

Arrays = tuple[NDArray[np.float64], NDArray[np.float64]]


@dataclass(frozen=True, eq=False)
class Problem:
    """Training and validation examples; ``classes`` is 0 for regression."""

    name: str
    classes: int
    inputs: Tensor
    targets: Tensor
    val_inputs: Tensor | None = None
    val_targets: Tensor | None = None
    one_logit: bool = False

    @property
    def shares(self) -> tuple[float, ...]:
        """Share of each class in the training part."""
        if not self.classes:
            return ()
        counts = torch.bincount(self.targets.flatten().long(), minlength=self.classes).double()
        return tuple((counts / len(self.targets)).tolist())

    @property
    def constant_loss(self) -> float:
        """Loss of the best constant answer: entropy of the class shares, or variance of the targets."""
        if not self.classes:
            return float(self.targets.double().var(correction=0))
        return float(-sum(s * np.log(s) for s in self.shares if s > 0))

    @property
    def val_constant_loss(self) -> float | None:
        """Validation loss of that same answer; None where it is not finite, or there is no such part."""
        if self.val_targets is None:
            return None
        if not self.classes:
            return float((self.val_targets.double() - self.targets.double().mean()).square().mean())
        answers = torch.tensor(self.shares, dtype=torch.float64).log()
        loss = float(-answers[self.val_targets.flatten().long()].mean())
        return loss if np.isfinite(loss) else None

    def with_one_logit(self) -> Problem:
        """The same, to be answered by one number that is above 0 for class 1: targets [N, 1] of 0 and 1."""
        val = self.val_targets[:, None].float() if self.val_targets is not None else None
        return replace(self, one_logit=True, targets=self.targets[:, None].float(), val_targets=val)

    def right(self, answers: Tensor, targets: Tensor) -> Tensor:
        """Share of the answers that name the class of their target."""
        named = (answers > 0).to(targets) if self.one_logit else answers.argmax(1)
        return (named == targets).float().mean()

    def standardised(self) -> Problem:
        """The same with inputs of mean 0 and deviation 1 over the training part, feature by feature."""
        mean, deviation = self.inputs.mean(0), self.inputs.std(0, correction=0)
        scale = torch.where(deviation > 0, deviation, torch.ones_like(deviation))
        val = (self.val_inputs - mean) / scale if self.val_inputs is not None else None
        return replace(self, inputs=(self.inputs - mean) / scale, val_inputs=val)


@cache
def problem(name: str, seed: int = 0) -> Problem:
    """The data set of that name; ``seed`` makes or splits it. ``raw_`` before a name leaves inputs unscaled."""
    if name == "line":
        x = torch.tensor([[1.0], [2.0], [3.0], [4.0]])
        return Problem(name, 0, x, 3 * x)
    raw, plain = name.startswith("raw_"), name.removeprefix("raw_")
    x, y = _MAKERS[plain](seed)
    classes = 0 if plain in REGRESSION else int(y.max()) + 1
    return _split(name, x, y, classes, seed, scale=not raw and not any(part in plain for part in UNSCALED))


def _split(name: str, x: NDArray[np.float64], y: NDArray[np.float64], classes: int, seed: int, scale: bool) -> Problem:
    """A random quarter is for validation; inputs and targets scaled by the training part's mean and deviation."""
    order = np.random.default_rng(seed).permutation(len(x))
    cut = len(x) - len(x) // 4
    train, val = order[:cut], order[cut:]
    if scale:
        x = (x - x[train].mean(0)) / x[train].std(0)
    if not classes and scale:
        y = (y - y[train].mean()) / y[train].std()
    inputs = torch.tensor(x, dtype=torch.int64 if "tokens" in name else torch.float32)
    targets = torch.tensor(y, dtype=torch.int64) if classes else torch.tensor(y, dtype=torch.float32)[:, None]
    return Problem(name, classes, inputs[train], targets[train], inputs[val], targets[val])


def _digits(_seed: int) -> Arrays:
    x, y = sk.load_digits(return_X_y=True)
    return x / 16.0, y


def _image_digits(_seed: int) -> Arrays:
    x, y = sk.load_digits(return_X_y=True)
    return x.reshape(-1, 1, 8, 8) / 16.0 - 0.5, y


def _noisy_labels(seed: int) -> Arrays:
    """Few examples, many features, a fifth of the labels wrong: what a network overfits."""
    return sk.make_classification(240, 40, n_informative=5, flip_y=0.2, random_state=seed)


def _rare_class(seed: int) -> Arrays:
    return sk.make_classification(900, 10, n_informative=4, weights=[0.9], class_sep=1.2, random_state=seed)


def _some_digits(lowest: int, highest: int) -> Arrays:
    x, y = sk.load_digits(return_X_y=True)
    chosen = (y >= lowest) & (y <= highest)
    return x[chosen] / 16.0, y[chosen] - lowest


def _marked_tokens(seed: int) -> Arrays:
    """12 of 24 tokens; one of three, at any place, is the class."""
    rng = np.random.default_rng(seed)
    x, y = rng.integers(3, 24, (600, 12)), rng.integers(0, 3, 600)
    x[np.arange(600), rng.integers(0, 12, 600)] = y
    return x, y


def _ordered_tokens(seed: int) -> Arrays:
    """The same tokens for all; the class says which of two comes first, and a tenth of them is wrong."""
    rng = np.random.default_rng(seed)
    x, y = rng.integers(3, 24, (600, 12)), rng.integers(0, 2, 600)
    for row, first in zip(x, y, strict=True):
        at = np.sort(rng.choice(12, 2, replace=False))
        row[at] = (0, 1) if first else (1, 0)
    return x, np.where(rng.random(600) < 0.1, 1 - y, y)


def _digit_rows(_seed: int) -> Arrays:
    x, y = sk.load_digits(return_X_y=True)
    return x.reshape(-1, 8, 8) / 16.0, y


_MAKERS: dict[str, Callable[[int], Arrays]] = {
    "digits": _digits,
    "image_digits": _image_digits,
    "iris": lambda _s: sk.load_iris(return_X_y=True),
    "wine": lambda _s: sk.load_wine(return_X_y=True),
    "cancer": lambda _s: sk.load_breast_cancer(return_X_y=True),
    "diabetes": lambda _s: sk.load_diabetes(return_X_y=True),
    "linnerud": lambda _s: (sk.load_linnerud().data, sk.load_linnerud().target[:, 0]),
    "blobs": lambda s: sk.make_blobs(1200, 5, centers=2, cluster_std=3.0, random_state=s),
    "blobs6": lambda s: sk.make_blobs(900, 8, centers=6, cluster_std=4.0, random_state=s),
    "moons": lambda s: sk.make_moons(400, noise=0.2, random_state=s),
    "circles": lambda s: sk.make_circles(400, noise=0.1, factor=0.5, random_state=s),
    "made": lambda s: sk.make_classification(
        1000, 20, n_informative=8, n_classes=4, n_clusters_per_class=2, random_state=s
    ),
    "noisy_labels": _noisy_labels,
    "rare_class": _rare_class,
    "made_regression": lambda s: sk.make_regression(600, 12, n_informative=6, noise=20.0, random_state=s),
    # in fresh sets only
    "friedman": lambda s: sk.make_friedman1(500, 10, noise=1.0, random_state=s),
    "quantiles": lambda s: sk.make_gaussian_quantiles(n_samples=700, n_features=6, n_classes=3, random_state=s),
    "hastie": lambda s: _zero_one(sk.make_hastie_10_2(1000, random_state=s)),
    "swiss_roll": lambda s: sk.make_swiss_roll(600, noise=0.3, random_state=s),
    "hard": lambda s: sk.make_classification(
        800, 30, n_informative=10, n_classes=7, n_clusters_per_class=1, class_sep=0.8, random_state=s
    ),
    # of the kinds
    "offset": lambda s: _offset(sk.make_friedman1(400, 8, noise=1.0, random_state=s)),
    "imbalanced": lambda s: sk.make_classification(
        1000, 12, n_informative=6, n_classes=4, n_clusters_per_class=1, weights=[0.8, 0.12, 0.05], random_state=s
    ),
    "digits_0_4": lambda _s: _some_digits(0, 4),
    "digits_5_9": lambda _s: _some_digits(5, 9),
    "digit_rows": _digit_rows,
    "marked_tokens": _marked_tokens,
    "ordered_tokens": _ordered_tokens,
    "sparse_regression": lambda s: sk.make_sparse_uncorrelated(400, 15, random_state=s),
}
UNSCALED = ("digit", "tokens", "offset")
"""In the names of data sets that are left as they are."""
REGRESSION = frozenset(
    {"offset", "diabetes", "linnerud", "made_regression", "friedman", "swiss_roll", "sparse_regression"}
)


def _offset(arrays: Arrays) -> Arrays:
    """Targets around 300 that vary by about 5, as a temperature in kelvin does."""
    return arrays[0], arrays[1] + 285.0


def _zero_one(arrays: Arrays) -> Arrays:
    return arrays[0], (arrays[1] > 0).astype(np.float64)
