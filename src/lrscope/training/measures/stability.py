"""The largest rate at which an optimizer is stable in a valley of a given sharpness.

All formulas hold for full-batch training near a minimum of a quadratic; for minibatches they are evidence, not proof.
GD and momentum: Cohen et al. 2021, arXiv 2103.00065. Adam: Cohen et al. 2022, arXiv 2207.14484.
"""

from __future__ import annotations

from lrscope.core.run_facts import RunFacts

_ADAM = frozenset({"adam", "adamw"})


def is_preconditioned(facts: RunFacts) -> bool:
    """Whether the limit of this optimizer is taken from the preconditioned sharpness (Adam, AdamW, RMSprop)."""
    return _name(facts) in _ADAM | {"rmsprop"}


def stability_limit(facts: RunFacts, lambda_max: float) -> float | None:
    """The rate above which a full-batch run leaves a minimum whose sharpness is ``lambda_max``; None: no limit known.

    SGD: 2/λ; heavy-ball momentum β: 2(1+β)/λ; Nesterov: 2(1+β)/((1+2β)λ). Adam and AdamW: (2+2β₁)/((1−β₁)λ) with λ
    the largest eigenvalue of P^-½ H P^-½, P = diag(√v̂ + ε) (38/λ at β₁ = 0.9). RMSprop without momentum is the same
    with β₁ = 0. λ ≤ 0 (no curvature upwards) gives no limit. On ``line``: λ = 16.7006, SGD 0.11976, heavy-ball 0.9
    0.2275, Nesterov 0.9 0.0813.
    """
    factor = _factor(facts)
    if factor is None or not lambda_max > 0:
        return None
    return factor / lambda_max


def _factor(facts: RunFacts) -> float | None:
    name, beta = _name(facts), facts.momentum or 0.0
    if name == "sgd":
        return 2 * (1 + beta) / (1 + 2 * beta) if facts.nesterov else 2 * (1 + beta)
    if name in _ADAM:
        beta1 = 0.9 if facts.beta1 is None else facts.beta1
        return (2 + 2 * beta1) / (1 - beta1) if beta1 < 1 else None
    if name == "rmsprop" and beta == 0:
        return 2.0
    return None


def above_limit(facts: RunFacts, lambda_max: float) -> str | None:
    """What to say of a run whose peak rate is above the limit at its start; None where it is not, or none is known."""
    limit = stability_limit(facts, lambda_max)
    if limit is None or facts.peak_lr is None or facts.peak_lr <= limit:
        return None
    return (
        f"lr={facts.peak_lr:g} is above {limit:.4g}, up to which {facts.optimizer} is stable where the loss curves as "
        f"at the start (sharpness {lambda_max:.6g}): exact for squared errors of a linear model on the whole part, "
        "else a hint, as a network's sharpness changes while it trains"
    )


def _name(facts: RunFacts) -> str:
    return (facts.optimizer or "").lower()
