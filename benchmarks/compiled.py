"""What compiling the pass of a stack saves on the processor; prints the table of docs/performance.md.

    python benchmarks/compiled.py [--members 3,16,64,256] [--networks mlp,cnn]
    python benchmarks/compiled.py --sweep 2000

A stack whose pass is compiled and one whose pass is a list of operations take turns in one process. Steps are seconds
of processor, the least of several rounds; compiling is both, as it takes turns with the C++ compiler. Nothing that
compiled before is used again, except what has been imported. ``--sweep``: seconds of processor of a whole sweep of
three rates that trains so many epochs of the digits, with the step compiled however long it trains, and never.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from lrscope.batched.model.batched_trainer import BatchedTrainer, Member
from lrscope.batched.model.compiled_pass import Compiling
from lrscope.models.cnn import CNN
from lrscope.models.mlp import MLP
from lrscope.training.kept_memory import keep_freed_memory

NETWORKS: dict[str, Callable[[], nn.Module]] = {"mlp": lambda: MLP((1, 8, 8), 10), "cnn": lambda: CNN((1, 8, 8), 10)}
SWEEP = (
    *("-m", "lr=0.01,0.001,0.0001", "trainer=cpu", "callbacks.look_ahead=false", "callbacks.stop_when=[]"),
    *("tracking.log_model=none", "sweep.report=false", "callbacks.progress=none", "evaluate_every_steps=4500"),
)
PROGRAM = """
import sys
from lrscope.batched.run import autotune
autotune.WORTH_COMPILING_S = float(sys.argv.pop(1))
from lrscope.cli.main import main
sys.exit(main())
"""
BATCH = 32
ROUNDS = 9


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--members", default="3,16,64,256")
    parser.add_argument("--networks", default="mlp,cnn")
    parser.add_argument("--sweep", type=int, metavar="EPOCHS")
    arguments = parser.parse_args()
    if arguments.sweep:
        for words, least in (("compiled", 0.0), ("not compiled", float("inf"))):
            print(f"{words}: {sweep(arguments.sweep, least):.0f} s of processor", flush=True)
        return
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    keep_freed_memory()  # as a run does
    print("| network | members | compiling, by the clock | of processors | a step now | compiled | ratio |")
    print("|---|---|---|---|---|---|---|")
    for name in arguments.networks.split(","):
        for members in map(int, arguments.members.split(",")):
            with tempfile.TemporaryDirectory() as cache:
                os.environ["TORCHINDUCTOR_CACHE_DIR"] = cache
                print("| " + " | ".join(row(name, members)) + " |", flush=True)
            torch.compiler.reset()


def sweep(epochs: int, least_s: float) -> float:
    """Seconds of processor of all its processes; its stack is compiled from so many seconds of training on."""
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {"OMP_NUM_THREADS": "1", "LRSCOPE_ROOT": folder}
        before = _children_s()
        words = [sys.executable, "-c", PROGRAM, str(least_s), *SWEEP, f"epochs={epochs}"]
        subprocess.run(words, cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL)
        return _children_s() - before


def _children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def row(name: str, members: int) -> list[str]:
    batch = torch.randn(BATCH, 1, 8, 8), torch.arange(BATCH) % 10
    now, other = _trainer(name, members, None), _trainer(name, members, Compiling(True, BATCH, 0, 1))
    for _ in range(6):  # enough to have its pass written down
        _step(now, batch)
    began, used = time.perf_counter(), sum(os.times()[:4])
    _step(other, batch)
    wall, processors = time.perf_counter() - began, sum(os.times()[:4]) - used
    repeats = max(2, int(0.1 / _seconds(now, batch, 5)))
    pairs = [(_seconds(now, batch, repeats), _seconds(other, batch, repeats)) for _ in range(ROUNDS)]
    plain, compiled = (1000 * min(found) for found in zip(*pairs, strict=True))
    times = [f"{wall:.0f} s", f"{processors:.0f} s", f"{plain:.3g} ms", f"{compiled:.3g} ms"]
    return [name, str(members), *times, f"{compiled / plain:.2f}"]


def _trainer(name: str, members: int, compiling: Compiling | None) -> BatchedTrainer:
    made = []
    for seed in range(members):
        torch.manual_seed(seed)
        network = NETWORKS[name]()
        made.append(Member(network, torch.optim.Adam(network.parameters(), lr=1e-3), seed=seed))
    return BatchedTrainer(made, functional.cross_entropy, trace_after=3, compiling=compiling)


def _step(trainer: BatchedTrainer, batch: tuple[Tensor, Tensor]) -> None:
    trainer.gather(*batch, own=False)
    trainer.update()


def _seconds(trainer: BatchedTrainer, batch: tuple[Tensor, Tensor], repeats: int) -> float:
    began = time.process_time()
    for _ in range(repeats):
        _step(trainer, batch)
    return (time.process_time() - began) / repeats


if __name__ == "__main__":
    main()
