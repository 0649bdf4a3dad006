"""Which way a metric improves, told by its name."""

from __future__ import annotations

import re
from typing import Literal

Goal = Literal["min", "max"]

FALLS = frozenset(
    ("loss", "losses", "error", "err", "mse", "mae", "rmse", "nll", "negative", "neg", "perplexity", "ppl", "bce", "ce",
     "crossentropy", "entropy", "brier", "wer", "cer", "fid", "ece", "divergence", "kl", "hinge", "deviance", "cost",
     "mape")
)  # fmt: skip
RISES = frozenset(
    ("acc", "accuracy", "top", "f", "f1", "fbeta", "auc", "auroc", "aucroc", "auprc", "ap", "map", "precision",
     "recall", "sensitivity", "specificity", "r2", "iou", "miou", "jaccard", "dice", "kappa", "mcc", "bleu", "rouge",
     "score", "psnr", "ssim", "ndcg", "mrr", "correlation", "pearson", "spearman", "likelihood", "reward")
)  # fmt: skip


def goal_of(metric: str) -> Goal | None:
    """``val/loss`` is to fall, ``val/acc`` and ``val/f1`` are to rise; None where the name does not tell.

    Of several words in the name, one that is to fall decides: ``f1_loss``, ``error_score``.
    """
    words = {word for part in metric.lower().split("/") for word in re.split(r"[^a-z0-9]+", part)}
    words |= {word.rstrip("0123456789") for word in words}  # acc1, top5
    if words & FALLS:
        return "min"
    return "max" if words & RISES else None
