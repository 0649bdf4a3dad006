"""The sharpness of the loss: the largest eigenvalue of its Hessian, plain or as Adam sees it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.optim import Optimizer


@dataclass(frozen=True)
class Sharpness:
    """lambda_max: largest (algebraic) eigenvalue; iterations: Hessian-vector products made; seconds: what they took;
    converged: whether the relative residual ||Hv − λv|| / |λ| came below the tolerance."""

    lambda_max: float
    iterations: int
    seconds: float
    converged: bool


def sharpness(
    loss: Callable[[], Tensor],
    parameters: Sequence[Tensor],
    preconditioner: Sequence[Tensor] | None = None,
    max_iterations: int = 60,
    tolerance: float = 1e-5,
    seed: int = 0,
) -> Sharpness:
    """Largest eigenvalue of the Hessian of ``loss()`` over ``parameters`` by Lanczos with full reorthogonalisation.

    Args:
        loss: computes the loss (0-dim) on a fixed batch at the present weights; called once. The network should be in
            evaluation mode, or dropout makes the Hessian of one mask.
        parameters: the trainable parameters; one Hessian-vector product costs about two backward passes.
        preconditioner: P's diagonal, a tensor of each parameter's shape; the matrix is then P^-½ H P^-½.
        tolerance: relative residual of the Ritz pair, 1e-5 gives about 10 digits of the eigenvalue (error ~ residual²).

    One Lanczos vector per iteration is kept: memory is ``max_iterations`` times the parameters. Not finite (a diverged
    network) gives nan, not converged. ``line`` has λ = 16.7006.
    """
    start = time.perf_counter()
    parameters = [p for p in parameters if p.requires_grad]
    with torch.enable_grad():
        gradients = torch.autograd.grad(loss(), parameters, create_graph=True, allow_unused=True)
    used = [(p, g) for p, g in zip(parameters, gradients, strict=True) if g is not None and g.requires_grad]
    size = sum(p.numel() for p in parameters)
    scale = None if preconditioner is None else _flat(preconditioner).rsqrt()

    def product(vector: Tensor) -> Tensor:
        scaled = vector if scale is None else scale * vector
        result = _hessian_product(parameters, used, scaled)
        return result if scale is None else scale * result

    value, iterations, converged = _lanczos(product, size, parameters[0], max_iterations, tolerance, seed)
    return Sharpness(value, iterations, time.perf_counter() - start, converged)


def preconditioner(optimizer: Optimizer) -> list[Tensor] | None:
    """Adam's (also AdamW's, RMSprop's) diagonal √v̂ + ε, a tensor per trainable parameter, from the optimizer's state.

    v̂ is bias-corrected as the optimizer does. Before the first step there is no state: the present gradients are then
    taken for it (v̂ of the first step is g²). None for other optimizers, or where there is neither state nor gradient.
    """
    if type(optimizer).__name__ not in {"Adam", "AdamW", "RMSprop"}:
        return None
    diagonal = []
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            if not parameter.requires_grad:
                continue
            second = _second_moment(optimizer, group, parameter)
            if second is None:
                return None
            diagonal.append(second.sqrt() + group["eps"])
    return diagonal


def _second_moment(optimizer: Optimizer, group: dict[str, object], parameter: Tensor) -> Tensor | None:
    state = optimizer.state.get(parameter, {})
    if "square_avg" in state:
        return state["square_avg"]
    if "exp_avg_sq" in state:
        beta2 = group["betas"][1]  # type: ignore[index]
        return state["exp_avg_sq"] / (1 - beta2 ** float(state["step"]))
    return None if parameter.grad is None else parameter.grad.detach().square()


def _hessian_product(parameters: Sequence[Tensor], used: Sequence[tuple[Tensor, Tensor]], vector: Tensor) -> Tensor:
    pieces = {
        id(p): v.view_as(p) for p, v in zip(parameters, vector.split([p.numel() for p in parameters]), strict=True)
    }
    outputs = [g for _, g in used]
    directions = [pieces[id(p)] for p, _ in used]
    if not outputs:
        return torch.zeros_like(vector)
    products = torch.autograd.grad(outputs, list(parameters), directions, retain_graph=True, allow_unused=True)
    return _flat([torch.zeros_like(p) if h is None else h for p, h in zip(parameters, products, strict=True)])


def _lanczos(
    product: Callable[[Tensor], Tensor], size: int, like: Tensor, limit: int, tolerance: float, seed: int
) -> tuple[float, int, bool]:
    """Largest Ritz value, products made, and whether its residual is small; the basis is orthogonalised twice."""
    generator = torch.Generator().manual_seed(seed)
    start = torch.randn(size, generator=generator, dtype=torch.float64).to(like.device, like.dtype)
    basis = [start / start.norm()]
    diagonal: list[float] = []
    off: list[float] = []
    value = float("nan")
    for k in range(1, min(limit, size) + 1):
        image = product(basis[-1])
        diagonal.append(float(torch.dot(basis[-1], image)))
        stacked = torch.stack(basis)
        for _ in range(2):
            image = image - stacked.T @ (stacked @ image)
        residual = float(image.norm())
        if not torch.isfinite(torch.tensor([diagonal[-1], residual])).all():
            return float("nan"), k, False
        value, bottom = _top_of(diagonal, off)
        if k == size or residual * bottom <= tolerance * max(abs(value), 1e-30):
            return value, k, True
        off.append(residual)
        basis.append(image / residual)
    return value, min(limit, size), False


def _top_of(diagonal: list[float], off: list[float]) -> tuple[float, float]:
    """Largest eigenvalue of the tridiagonal matrix, and the size of the last entry of its vector (its residual)."""
    matrix = torch.diag(torch.tensor(diagonal, dtype=torch.float64))
    if off:
        side = torch.tensor(off, dtype=torch.float64)
        matrix = matrix + torch.diag(side, 1) + torch.diag(side, -1)
    values, vectors = torch.linalg.eigh(matrix)
    return float(values[-1]), abs(float(vectors[-1, -1]))


def _flat(tensors: Sequence[Tensor]) -> Tensor:
    return torch.cat([t.reshape(-1) for t in tensors])
