"""``lrscope.watch`` in loops of one's own: what it reads is what happened, and nothing happens otherwise."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import OneCycleLR

import lrscope

X = torch.randn(64, 4, generator=torch.Generator().manual_seed(1))
Y = (X[:, 0] > X[:, 1]).long()


@pytest.fixture(autouse=True)
def _same_start() -> None:
    torch.manual_seed(0)


def network(*more: nn.Module) -> nn.Sequential:
    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), *more, nn.Linear(8, 2))


def losses(model: nn.Module, batches: int = 4) -> Iterator[Tensor]:
    for x, y in zip(X.chunk(batches), Y.chunk(batches), strict=True):
        yield nn.functional.cross_entropy(model(x), y)


def train(model: nn.Module, optimizer: Any, epochs: int = 3, watch: lrscope.Watch | None = None) -> None:
    for _ in range(epochs):
        for loss in losses(model):
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            if watch is not None:
                watch.step(loss)


def values(watch: lrscope.Watch, name: str) -> list[float]:
    return watch.trace.get(name).values.tolist()


def test_weights_and_random_numbers_are_those_without_it_bit_for_bit() -> None:
    def trained(watched: bool) -> tuple[list[Tensor], Any]:
        torch.manual_seed(0)
        model = network(nn.Dropout(0.5), nn.BatchNorm1d(8))
        optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
        if watched:
            with lrscope.watch(model, optimizer, every=1) as w:
                train(model, optimizer, watch=w)
        else:
            train(model, optimizer)
        return [*model.state_dict().values()], (torch.get_rng_state(), random.getstate(), np.random.get_state()[1])

    (plain, states), (watched, watched_states) = trained(False), trained(True)
    assert all(torch.equal(a, b) for a, b in zip(plain, watched, strict=True))
    assert torch.equal(states[0], watched_states[0]) and states[1] == watched_states[1]
    assert (states[2] == watched_states[2]).all()


def test_every_hook_is_gone_at_the_end() -> None:
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with lrscope.watch(model, optimizer, every=1) as w:
        train(model, optimizer, watch=w)
    assert not optimizer._optimizer_step_pre_hooks and not optimizer._optimizer_step_post_hooks
    assert not any(module._forward_hooks for module in model.modules())


def test_rates_are_those_that_the_steps_used() -> None:
    model = network()
    optimizer = torch.optim.SGD([{"params": model[0].parameters(), "name": "body"}, {"params": model[2].parameters()}])
    scheduler, used = OneCycleLR(optimizer, [0.1, 0.4], total_steps=8), []
    with lrscope.watch(model, optimizer) as w:
        for _ in range(2):
            for loss in losses(model):
                loss.backward()
                used.append([group["lr"] for group in optimizer.param_groups])
                optimizer.step()
                scheduler.step()
                w.step(loss)
    assert values(w, "lr") == values(w, "lr/body") == [rates[0] for rates in used]
    assert values(w, "lr/1") == [rates[1] for rates in used]


def test_signals_are_those_worked_out_by_hand() -> None:
    model = nn.Linear(1, 1, bias=False)
    with torch.no_grad():
        model.weight.fill_(2.0)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with lrscope.watch(model, optimizer, every=1) as w:
        for _ in range(2):
            optimizer.zero_grad()
            loss = model(torch.ones(1, 1)).square().mean()  # gradient 2w; w: 2 -> 1.6 -> 1.28
            loss.backward()
            optimizer.step()
            w.step(loss)
    assert values(w, "train/loss") == pytest.approx([4.0, 2.56])
    assert values(w, "grad_norm") == pytest.approx([4.0, 3.2])
    assert values(w, "update_ratio") == pytest.approx([0.2, 0.2])
    assert values(w, "update_cosine") == pytest.approx([1.0])


def test_dead_units_and_spread_of_the_batches_that_train_and_of_no_evaluation() -> None:
    model = network()
    with torch.no_grad():
        model[0].weight.zero_()
        model[0].bias.copy_(torch.tensor([1.0] * 2 + [-1.0] * 6))  # 6 of 8 units are dead, and answer the same
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    with lrscope.watch(model, optimizer, every=1) as w:
        for loss in losses(model):
            with torch.no_grad():
                model.eval()
                model(torch.full((2, 4), math.nan))
                model.train()
            loss.backward()
            optimizer.step()
            w.step(loss)
        w.evaluate(val_loss=0.7)
    assert values(w, "dead_units") == [0.75] * 4
    assert values(w, "output_spread") == [0.0]


def test_losses_of_accumulated_batches_are_averaged() -> None:
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    told = []
    with lrscope.watch(model, optimizer, every=1) as w:
        for number, loss in enumerate(losses(model)):
            (loss / 2).backward()
            if number % 2:
                optimizer.step()
                optimizer.zero_grad()
            told.append(loss.item())
            w.step(loss)
    assert values(w, "train/loss") == pytest.approx([(told[0] + told[1]) / 2, (told[2] + told[3]) / 2])
    assert len(values(w, "grad_norm")) == len(values(w, "dead_units")) == 2


def test_a_clipped_gradient_is_read_as_it_was_used() -> None:
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with lrscope.watch(model, optimizer, every=1) as w:
        for loss in losses(model):
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 0.01)
            optimizer.step()
            optimizer.zero_grad()
            w.step(loss)
    assert values(w, "grad_norm") == pytest.approx([0.01] * 4, rel=1e-3)


@pytest.mark.parametrize("fused", [False, True])
def test_a_scaled_gradient_is_read_without_its_scale_and_a_skipped_update_is_none(fused: bool) -> None:
    plain, scaled = [], []
    for store, is_scaled in ((plain, False), (scaled, True)):
        torch.manual_seed(0)
        model = network()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1, fused=fused)
        scaler = torch.amp.GradScaler("cpu", init_scale=1024.0, enabled=is_scaled)
        with lrscope.watch(model, optimizer, every=1) as w:
            for loss in losses(model):
                scaler.scale(loss).backward()
                scaler.step(optimizer)
                scaler.update()
                optimizer.zero_grad()
                w.step(loss)
        store += [values(w, "grad_norm"), values(w, "train/loss")]
    assert plain[0] == pytest.approx(scaled[0], rel=1e-4)
    assert plain[1] == pytest.approx(scaled[1], rel=1e-4)


def test_a_scaler_that_skips_every_update_hides_no_divergence() -> None:
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    scaler = torch.amp.GradScaler("cpu")
    with pytest.raises(lrscope.StoppedByVerdict), lrscope.watch(model, optimizer, stop_when=["diverged"]) as w:
        for _ in range(1000):
            loss = model(X).sum() * math.nan
            scaler.scale(loss).backward()
            scaler.step(optimizer)
            scaler.update()
            w.step(loss)
    assert w.diagnosis.verdict == "diverged" and w.steps.updates == 0


def test_a_closure_is_one_update_with_its_last_gradient() -> None:
    model = network()
    optimizer = torch.optim.LBFGS(model.parameters(), max_iter=3)
    calls = 0

    def closure() -> Tensor:
        nonlocal calls
        calls += 1
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(X), Y)
        loss.backward()
        return loss

    with lrscope.watch(model, optimizer, every=1) as w:
        for _ in range(2):
            loss = optimizer.step(closure)
            norm = torch.stack([p.grad.norm() for p in model.parameters()]).norm().item()
            w.step(loss)
    assert calls > 2 and w.steps.updates == 2
    assert values(w, "grad_norm")[-1] == pytest.approx(norm)
    assert len(values(w, "dead_units")) == 2


def test_several_optimizers_make_one_update_and_each_rate_has_a_name() -> None:
    model = network()
    optimizers = [torch.optim.Adam(model[0].parameters(), lr=0.1), torch.optim.SGD(model[2].parameters(), lr=0.2)]
    norms = []
    with lrscope.watch(model, optimizers, every=1) as w:
        for loss in losses(model):
            loss.backward()
            norms.append(torch.stack([p.grad.norm() for p in model.parameters()]).norm().item())
            for optimizer in optimizers:
                optimizer.step()
                optimizer.zero_grad()
            w.step(loss)
    assert w.steps.updates == 4
    assert values(w, "grad_norm") == pytest.approx(norms)
    assert values(w, "lr/Adam") == [0.1, 0.1] and values(w, "lr/SGD") == [0.2, 0.2]


def test_a_compiled_model_is_watched_without_what_its_modules_hide() -> None:
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    compiled = torch.compile(model, backend="eager")
    with lrscope.watch(compiled, optimizer, every=1) as w:
        train(compiled, optimizer, 1, w)
    assert len(values(w, "grad_norm")) == 4 and len(values(w, "update_ratio")) == 4
    assert not values(w, "dead_units")


def test_a_model_of_a_distributed_training_is_watched(tmp_path: Path) -> None:
    import torch.distributed as dist

    dist.init_process_group("gloo", store=dist.FileStore(str(tmp_path / "store"), 1), rank=0, world_size=1)
    try:
        model = nn.parallel.DistributedDataParallel(network())
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        with lrscope.watch(model, optimizer, every=1) as w:
            train(model, optimizer, 1, w)
    finally:
        dist.destroy_process_group()
    assert len(values(w, "grad_norm")) == len(values(w, "dead_units")) == 4


def test_a_run_that_diverges_is_stopped_at_the_step_that_settles_it() -> None:
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=1e4)
    heard = []
    with (
        pytest.raises(lrscope.StoppedByVerdict) as stopped,
        lrscope.watch(model, optimizer, stop_when=["diverged"], on_verdict=heard.append) as w,
    ):
        train(model, optimizer, 100, w)
    assert w.steps.updates < 400 and stopped.value.verdict.label == "diverged"
    assert [found.verdict for found in heard] == ["diverged"]
    assert w.diagnosis.failed and "lower lr" in w.diagnosis.advice


def test_a_run_that_works_is_not_called_failed_and_one_that_answers_the_same_is() -> None:
    verdicts = []
    for dead in (False, True):
        torch.manual_seed(0)
        model = network()
        if dead:
            with torch.no_grad():
                model[0].bias.fill_(-100.0)
        optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
        with lrscope.watch(model, optimizer, every=1) as w:
            for _ in range(40):
                train(model, optimizer, 1, w)
                w.evaluate(train_loss=nn.functional.cross_entropy(model(X), Y))
        verdicts.append(w.diagnosis)
    assert not verdicts[0].failed
    assert verdicts[1].verdict == "collapsed"


@pytest.mark.parametrize("zeros", [True, False])
def test_a_regression_that_answers_one_number_has_collapsed_and_one_at_2000_has_not(zeros: bool) -> None:
    model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1))
    with torch.no_grad():
        if zeros:
            for parameter in model.parameters():
                parameter.zero_()
        model[2].bias.fill_(2000.0)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    with lrscope.watch(model, optimizer, record="memory") as w:
        for _ in range(60):
            loss = nn.functional.mse_loss(model(X), 2000 + X[:, :1])
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            w.step(loss)
    assert (w.diagnosis.verdict == "collapsed") is zeros
    assert values(w, "output_spread") == ([0.0] if zeros else [])


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"stop_when": ["trained"]}, "stop_when=trained"),
        ({"record": "disk"}, "record=disk"),
        ({"record": "active"}, "no active run"),
        ({"task": "regresion"}, "task=regresion"),
        ({"model": "a model"}, "model=a model"),
        ({"every": 0}, "every=0: must be at least 1"),
        ({"optimizer": []}, "optimizer"),
        ({"optimizer": object()}, "optimizer=object"),
    ],
)
def test_what_cannot_be_watched_is_refused_in_a_line(more: dict[str, Any], words: str) -> None:
    model = network()
    given = {"model": model, "optimizer": torch.optim.SGD(model.parameters(), lr=0.1)} | more
    with pytest.raises(lrscope.InputError, match=words) as refused:
        lrscope.watch(given.pop("model"), given.pop("optimizer"), **given)
    assert len(str(refused.value).splitlines()) == 1


def test_a_loss_that_is_no_number_is_refused() -> None:
    model = network()
    w = lrscope.watch(model, torch.optim.SGD(model.parameters(), lr=0.1))
    with pytest.raises(lrscope.InputError, match="a tensor of 3 numbers"):
        w.step(torch.zeros(3))
    w.close()


def test_a_loop_that_never_tells_its_loss_is_told_how() -> None:
    model = network()
    with lrscope.watch(model, optimizer := torch.optim.SGD(model.parameters(), lr=0.1)) as w:
        train(model, optimizer)
    assert w.diagnosis.verdict == "unknown" and "w.step(loss)" in w.diagnosis.advice


def test_a_long_run_is_sampled_evenly() -> None:
    model = nn.Linear(1, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
    with lrscope.watch(model, optimizer) as w:
        for _ in range(2500):
            optimizer.step()
            w.step(1.0)
    steps = w.trace.get("train/loss").steps
    assert set(np.diff(steps[:-1])) == {4} and steps[-1] == 2499 and len(steps) <= 1001
