"""What measuring costs: the same training steps bare and with every default signal at its default sampling.

    OMP_NUM_THREADS=1 python benchmarks/signals.py

The digits default (64-25-12-10, batch 32, Adam, 50 epochs of 42 steps). Bare and measured runs take turns; the
fastest of
each counts, in CPU time of the one thread, so that what else the machine does falls out. Sharpness, which is off by
default, is timed per measurement.
"""

from __future__ import annotations

import argparse
import statistics
import time

import torch
from torch import nn

from lrscope.training.measures import DeadUnitsMeter, UpdateMeter, grad_norm, preconditioner, sharpness
from lrscope.training.recording.recording_plan import RecordingPlan

STEPS, PIECE, BATCH = 2100, 300, 32
"""Steps of a whole run, which set the sampling; steps that are timed at once; examples in a batch."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=40)
    rounds = parser.parse_args().rounds
    torch.set_num_threads(1)
    plan = RecordingPlan.of(STEPS)
    kinds = {"bare": (), "grad_norm": ("grad",), "updates": ("updates",), "dead_units": ("dead",)}
    kinds["all"] = ("grad", "updates", "dead")
    seconds: dict[str, list[float]] = {kind: [] for kind in kinds}
    for _ in range(rounds):
        for kind, signals in kinds.items():
            seconds[kind].append(train(plan, signals))
    bare = min(seconds["bare"])
    print(f"{STEPS} steps, every {plan.every_signals}th measured; fastest of {rounds}")
    for kind, taken in seconds.items():
        step = 1e6 * min(taken) / PIECE
        share, middle = min(taken) / bare - 1, statistics.median(taken) / statistics.median(seconds["bare"]) - 1
        print(f"{kind:12s} {step:7.1f} µs a step  {share:+6.1%} (medians {middle:+.1%})")
    print_sharpness()


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(64, 25), nn.ReLU(), nn.Linear(25, 12), nn.ReLU(), nn.Linear(12, 10))


def train(plan: RecordingPlan, signals: tuple[str, ...]) -> float:
    """CPU seconds of ``PIECE`` updates that measures these signals and reads them as floats at once."""
    model = network()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    inputs, targets = torch.randn(PIECE, BATCH, 64), torch.randint(10, (PIECE, BATCH))
    parameters = list(model.parameters())
    updates, dead, kept = UpdateMeter(parameters), DeadUnitsMeter(model), []
    start = time.thread_time()
    for step in range(PIECE):
        measured = bool(signals) and plan.keeps_signals(step)
        if measured and "dead" in signals:
            dead.listen()
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(inputs[step]), targets[step])
        loss.backward()  # type: ignore[no-untyped-call]
        values = []
        if measured and "grad" in signals:
            values.append(grad_norm(parameters))
        if measured and "dead" in signals:
            units = dead.read()
            assert units is not None
            values += [units.share, *units.layers]
        if "updates" in signals:
            updates.before(measured, plan.keeps_signals(step + 1))
        optimizer.step()
        if "updates" in signals and (reading := updates.after()) is not None:
            values += [reading.ratio] if reading.cosine is None else [reading.ratio, reading.cosine]
        if values:
            kept.append(torch.stack(values).tolist())
    return time.thread_time() - start


def print_sharpness() -> None:
    """One measurement on 1,347 examples, plain and as Adam sees it."""
    model = network()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    inputs, targets = torch.randn(1347, 64), torch.randint(10, (1347,))

    def loss() -> torch.Tensor:
        return nn.functional.cross_entropy(model(inputs), targets)

    loss().backward()  # type: ignore[no-untyped-call]
    optimizer.step()
    for name, diagonal in (("plain", None), ("preconditioned", preconditioner(optimizer))):
        sharpness(loss, list(model.parameters()), diagonal)
        found = sharpness(loss, list(model.parameters()), diagonal)
        print(f"sharpness, {name}: {1e3 * found.seconds:.1f} ms, {found.iterations} Hessian-vector products")


if __name__ == "__main__":
    main()
