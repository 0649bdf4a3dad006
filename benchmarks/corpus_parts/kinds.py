"""Trainings of other kinds than from numbers to classes: drawn like the corpus; nothing was tuned on them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from corpus_parts.cases import Case, draw_sweep, spread_rates

KINDS = {
    "regression": ("offset", "diabetes", "raw_friedman", "swiss_roll"),
    "one_logit": ("cancer", "moons", "hastie", "rare_class"),
    "imbalanced": ("imbalanced",),
    "sequence": ("marked_tokens", "ordered_tokens", "digit_rows"),
    "batch_norm": ("digits", "wine", "hard", "friedman"),
    "frozen": ("digits_5_9", "digits_5_9", "cancer", "hard"),
}
"""Their data sets. ``frozen``: the last layer alone is trained, on a body of random weights, or of digits 0 to 4."""
MOST_STEPS = 600
"""Of a sequence's updates: they are slow."""
TOKENS = 24
"""Size of the vocabulary of the sequences of tokens."""


def draw_kinds(sweeps: int, rates: int, seed: int) -> list[Case]:
    """``sweeps`` sweeps of each kind, of ``rates`` cases."""
    rng, cases = np.random.default_rng(seed), []
    for kind, problems in KINDS.items():
        for number in range(sweeps):
            case = _of_kind(rng, draw_sweep(rng, f"{kind}{seed}-{number}", fresh=True), kind, str(rng.choice(problems)))
            cases += [replace(case, lr=lr, seed=int(rng.integers(1000))) for lr in spread_rates(rng, rates)]
    return cases


def _of_kind(rng: np.random.Generator, case: Case, kind: str, problem: str) -> Case:
    case = replace(case, kind=kind, problem=problem, init="default")
    if kind == "sequence":
        body = str(rng.choice(["gru", "transformer"]))
        return replace(case, body=body, epochs=min(case.epochs, MOST_STEPS), batch_size=min(case.batch_size, 64))
    if kind in {"batch_norm", "frozen"} and not case.hidden:
        return replace(case, hidden=(24, 16))
    return case
