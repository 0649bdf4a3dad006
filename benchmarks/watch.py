"""What ``lrscope.watch`` costs: the same loop with and without it, in turn, at steps of about 5 ms.

    python benchmarks/watch.py [--steps 600] [--width 640] [--rounds 25]

The figure is the median over the rounds of (with - without) / without, with a 95% interval of it from the order of the
rounds. Seconds are the processor's, since a clock counts what else the machine does.
"""

from __future__ import annotations

import argparse
import statistics
import time

import torch
from scipy.stats import binom
from torch import nn

import lrscope


def loop(steps: int, width: int, watched: bool) -> float:
    """Seconds of the processor that a training takes."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(64, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 10))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    x, y = torch.randn(128, 64), torch.randint(10, (128,))
    w = lrscope.watch(model, optimizer, record="memory") if watched else None
    began = time.process_time()
    for _ in range(steps):
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        if w is not None:
            w.step(loss)
        else:
            loss.item()  # a loop that looks at its loss, as nearly all do
    seconds = time.process_time() - began
    if w is not None:
        w.close()
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--width", type=int, default=640)
    parser.add_argument("--rounds", type=int, default=25)
    given = parser.parse_args()
    torch.set_num_threads(1)
    loop(50, given.width, True)
    shares = []
    for number in range(given.rounds):
        pair = {watched: loop(given.steps, given.width, watched) for watched in (number % 2 == 0, number % 2 == 1)}
        shares.append((pair[True] - pair[False]) / pair[False])
        step_ms = 1000 * pair[False] / given.steps
        print(f"a step of {step_ms:.2f} ms; with lrscope.watch {shares[-1]:+.2%}", flush=True)
    low, high = interval_of_median(sorted(shares))
    print(f"median of {len(shares)} rounds {statistics.median(shares):+.2%} (95% interval {low:+.2%} to {high:+.2%})")


def interval_of_median(ordered: list[float]) -> tuple[float, float]:
    """The k-th lowest and highest of n values hold the median between them with 1 - 2 P(Binomial(n, 1/2) < k)."""
    n = len(ordered)
    k = max(1, int(binom.ppf(0.025, n, 0.5)))
    return ordered[k - 1], ordered[n - k]


if __name__ == "__main__":
    main()
