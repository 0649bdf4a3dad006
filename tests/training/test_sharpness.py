"""Sharpness against numbers worked by hand and against the dense Hessian."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from lrscope.core.run_facts import RunFacts
from lrscope.training.measures import above_limit, is_preconditioned, preconditioner, sharpness, stability_limit


def line_loss(w: Tensor, b: Tensor) -> Tensor:
    x = torch.tensor([1.0, 2.0, 3.0, 4.0])
    return ((w * x + b - 3 * x) ** 2).mean()


def line_sharpness() -> float:
    w, b = torch.zeros(1, requires_grad=True), torch.zeros(1, requires_grad=True)
    return sharpness(lambda: line_loss(w, b), [w, b]).lambda_max


def test_the_line_has_the_sharpness_of_its_hessian() -> None:
    # of mean((w x + b − y)²) on x = 1, 2, 3, 4: [[15, 5], [5, 2]], trace 17, determinant 5: λ = (17 + √(289 − 20)) / 2
    assert line_sharpness() == pytest.approx((17 + math.sqrt(269)) / 2, rel=1e-6)
    assert round(line_sharpness(), 4) == 16.7006


@pytest.mark.parametrize(
    ("facts", "limit"),
    [
        (RunFacts(optimizer="SGD"), 0.11976),
        (RunFacts(optimizer="SGD", momentum=0.9), 0.2275),
        (RunFacts(optimizer="SGD", momentum=0.9, nesterov=True), 0.0813),
        (RunFacts(optimizer="Adam", beta1=0.9), 38 / 16.7006),
        (RunFacts(optimizer="AdamW", beta1=0.0), 2 / 16.7006),
        (RunFacts(optimizer="RMSprop", momentum=0.0), 2 / 16.7006),
    ],
)
def test_limits_on_the_line(facts: RunFacts, limit: float) -> None:
    measured = stability_limit(facts, line_sharpness())
    assert measured == pytest.approx(limit, rel=1e-3)


def test_no_limit_is_known_for_other_optimizers_or_without_curvature() -> None:
    assert stability_limit(RunFacts(optimizer="Adagrad"), 3.0) is None
    assert stability_limit(RunFacts(optimizer="RMSprop", momentum=0.9), 3.0) is None
    assert stability_limit(RunFacts(), 3.0) is None
    assert stability_limit(RunFacts(optimizer="SGD"), 0.0) is None
    assert stability_limit(RunFacts(optimizer="SGD"), math.nan) is None


def test_the_warning_has_both_numbers() -> None:
    facts = RunFacts(peak_lr=0.125, optimizer="SGD")
    warning = above_limit(facts, line_sharpness())
    assert warning is not None
    assert "lr=0.125" in warning
    assert "0.1198" in warning
    assert "16.7006" in warning
    assert above_limit(RunFacts(peak_lr=0.119, optimizer="SGD"), line_sharpness()) is None


@pytest.mark.parametrize("beta", [0.0, 0.9])
@pytest.mark.parametrize("nesterov", [False, True])
def test_descent_is_stable_below_the_limit_and_not_above(beta: float, nesterov: bool) -> None:
    facts = RunFacts(optimizer="SGD", momentum=beta, nesterov=nesterov and beta > 0)
    limit = stability_limit(facts, line_sharpness())
    assert limit is not None
    assert _loss_after(0.97 * limit, beta, facts.nesterov) < 67.5
    assert not _loss_after(1.03 * limit, beta, facts.nesterov) < 1e4  # nan included


def _loss_after(lr: float, beta: float, nesterov: bool, steps: int = 500) -> float:
    w, b = torch.zeros(1, requires_grad=True), torch.zeros(1, requires_grad=True)
    optimizer = torch.optim.SGD([w, b], lr=lr, momentum=beta, nesterov=nesterov)
    for _ in range(steps):
        optimizer.zero_grad()
        line_loss(w, b).backward()
        optimizer.step()
    return line_loss(w, b).item()


def small_network() -> tuple[nn.Module, Tensor, Tensor]:
    torch.manual_seed(3)
    model = nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 3)).double()
    return model, torch.randn(40, 4, dtype=torch.float64), torch.randint(3, (40,))


def dense_hessian(model: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    names = [name for name, _ in model.named_parameters()]
    shapes = [p.shape for p in model.parameters()]

    def loss(flat: Tensor) -> Tensor:
        parts = flat.split([s.numel() for s in shapes])
        weights = {n: part.view(s) for n, part, s in zip(names, parts, shapes, strict=True)}
        return nn.functional.cross_entropy(torch.func.functional_call(model, weights, (x,)), y)

    point = torch.cat([p.detach().reshape(-1) for p in model.parameters()])
    return torch.autograd.functional.hessian(loss, point)


def test_agrees_with_the_dense_hessian() -> None:
    model, x, y = small_network()
    measured = sharpness(lambda: nn.functional.cross_entropy(model(x), y), list(model.parameters()))
    dense = torch.linalg.eigvalsh(dense_hessian(model, x, y))
    assert measured.converged
    assert measured.lambda_max == pytest.approx(float(dense[-1]), rel=1e-8)
    assert measured.seconds > 0


def test_preconditioned_sharpness_agrees_with_the_dense_matrix() -> None:
    model, x, y = small_network()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(5):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x), y).backward()
        optimizer.step()
    diagonal = preconditioner(optimizer)
    assert diagonal is not None
    state = optimizer.state[next(model.parameters())]
    expected = (state["exp_avg_sq"] / (1 - 0.999**5)).sqrt() + 1e-8
    assert torch.allclose(diagonal[0], expected, rtol=1e-12)
    scale = torch.cat([d.reshape(-1) for d in diagonal]).rsqrt()
    dense = torch.linalg.eigvalsh(scale[:, None] * dense_hessian(model, x, y) * scale)
    loss = lambda: nn.functional.cross_entropy(model(x), y)  # noqa: E731
    measured = sharpness(loss, list(model.parameters()), diagonal)
    assert measured.lambda_max == pytest.approx(float(dense[-1]), rel=1e-7)


def test_before_the_first_step_the_preconditioner_comes_from_the_gradient() -> None:
    model, x, y = small_network()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    assert preconditioner(optimizer) is None
    nn.functional.cross_entropy(model(x), y).backward()
    diagonal = preconditioner(optimizer)
    assert diagonal is not None
    first = next(model.parameters())
    assert first.grad is not None
    assert torch.allclose(diagonal[0], first.grad.abs() + 1e-8)
    assert preconditioner(torch.optim.SGD(model.parameters(), lr=0.1)) is None
    assert is_preconditioned(RunFacts(optimizer="Adam"))
    assert not is_preconditioned(RunFacts(optimizer="SGD"))


def test_a_network_that_is_not_finite_has_no_sharpness() -> None:
    w = torch.full((2,), math.inf, requires_grad=True)
    measured = sharpness(lambda: (w**2).sum() * w.sum(), [w])
    assert math.isnan(measured.lambda_max)
    assert not measured.converged


def test_a_loss_without_curvature_has_sharpness_zero() -> None:
    w = torch.ones(3, requires_grad=True)
    measured = sharpness(lambda: w.sum(), [w])
    assert measured.lambda_max == 0
    assert measured.converged


def test_weights_gradients_and_random_state_are_left_alone() -> None:
    model, x, y = small_network()
    before = [p.detach().clone() for p in model.parameters()]
    state = torch.get_rng_state()
    sharpness(lambda: nn.functional.cross_entropy(model(x), y), list(model.parameters()))
    assert all(p.grad is None for p in model.parameters())
    assert all(torch.equal(p, q) for p, q in zip(model.parameters(), before, strict=True))
    assert torch.equal(torch.get_rng_state(), state)
