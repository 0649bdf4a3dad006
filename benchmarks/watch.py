"""What ``lrscope.watch`` costs: the same loop with and without it, in turn, at steps of about 5 ms.

    python benchmarks/watch.py [--steps 1500] [--width 640] [--rounds 3]

The figure is the median over the rounds of (with - without) / without, with the time of a step beside it.
"""

from __future__ import annotations

import argparse
import statistics
import time

import torch
from torch import nn

import lrscope


def loop(steps: int, width: int, watched: bool) -> float:
    """Seconds of a training."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(64, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 10))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    x, y = torch.randn(128, 64), torch.randint(10, (128,))
    w = lrscope.watch(model, optimizer, record="memory") if watched else None
    began = time.perf_counter()
    for _ in range(steps):
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        if w is not None:
            w.step(loss)
        else:
            loss.item()  # a loop that looks at its loss, as nearly all do
    seconds = time.perf_counter() - began
    if w is not None:
        w.close()
        print(f"    measured {len(w.trace.get('grad_norm'))} of {steps} updates")
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--width", type=int, default=640)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    torch.set_num_threads(1)
    loop(50, given.width, True)
    shares = []
    for number in range(given.rounds):
        pair = {watched: loop(given.steps, given.width, watched) for watched in (number % 2 == 0, number % 2 == 1)}
        shares.append((pair[True] - pair[False]) / pair[False])
        step_ms = 1000 * pair[False] / given.steps
        print(f"a step of {step_ms:.2f} ms; with lrscope.watch {shares[-1]:+.2%}")
    print(f"median {statistics.median(shares):+.2%}")


if __name__ == "__main__":
    main()
