"""What each of lrscope's tricks saves of the one part of a command that it is about; `hacks.py` has whole commands.

    python benchmarks/hack_parts.py

Seconds of processor of one process, the least of several rounds, which other work on the machine hardly moves.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
SIZES = (("mlp", 3), ("mlp", 64), ("cnn", 3), ("cnn", 16), ("cnn", 64))


def main() -> None:
    if len(sys.argv) > 1:
        print(f"    {step_ms(sys.argv[1], int(sys.argv[2])):.2f} ms", flush=True)
        return
    compose_jobs()
    write_points()
    for name, members in SIZES:
        for without in ("", "kept_memory", "passes"):
            print(f"a step of {members} {name}" + (f" without {without}" if without else ""), flush=True)
            environment = os.environ | {"BENCHMARK_WITHOUT": without, "PYTHONPATH": str(HERE / "without")}
            subprocess.run([sys.executable, __file__, name, str(members)], env=environment, check=True)


def least(rounds: int, repeats: int, once: Callable[[], Any]) -> float:
    """Seconds of processor of one call."""
    found = []
    for _ in range(rounds):
        began = time.process_time()
        for _ in range(repeats):
            once()
        found.append((time.process_time() - began) / repeats)
    return min(found)


def step_ms(name: str, members: int) -> float:
    """An update of a stack, with the signals of every fifth measured, once passes are written down."""
    import torch
    from torch.nn import functional

    from lrscope.batched.model.batched_trainer import BatchedTrainer, Member, Wanted
    from lrscope.models.cnn import CNN
    from lrscope.models.mlp import MLP
    from lrscope.training import kept_memory

    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    kept_memory.keep_freed_memory()
    networks = [{"mlp": MLP, "cnn": CNN}[name]((1, 8, 8), 10) for _ in range(members)]
    stack = [Member(network, torch.optim.Adam(network.parameters(), lr=1e-3)) for network in networks]
    trainer = BatchedTrainer(stack, functional.cross_entropy, trace_after=3)
    inputs, targets = torch.randn(32, 1, 8, 8), torch.arange(32) % 10
    steps = iter(range(10**9))

    def step() -> None:
        number = next(steps)
        wanted = Wanted(now=number % 5 == 0, next=number % 5 == 4)
        trainer.gather(inputs, targets, own=False, wanted=wanted)
        trainer.update(wanted)

    least(1, 20, step)
    return 1000 * least(6, 15 if members > 16 else 60, step)


def compose_jobs() -> None:
    from hydra import initialize_config_dir
    from hydra.core.global_hydra import GlobalHydra
    from hydra.types import RunMode

    from lrscope.config import schema
    from lrscope.sweeps.compose import JobComposer

    schema.register()
    with initialize_config_dir(config_dir=str(HERE.parent / "conf"), version_base="1.3"):
        loader = GlobalHydra.instance().config_loader()
        master = loader.load_configuration("train", ["lr=1"], RunMode.MULTIRUN)
        for name, compose in (("Hydra", loader.load_sweep_config), ("lrscope", JobComposer(loader).load_sweep_config)):
            rates = iter(range(1, 1000))
            seconds = least(3, 5, lambda compose=compose, rates=rates: compose(master, [f"lr={next(rates)}"]))
            print(f"a job composed by {name}\n    {1000 * seconds:.1f} ms", flush=True)


def write_points() -> None:
    from mlflow import MlflowClient
    from mlflow.entities import Metric

    from lrscope.core.point import Point
    from lrscope.tracking.mlflow_store.bulk import bulk_points

    with tempfile.TemporaryDirectory() as folder:
        client = MlflowClient(f"sqlite:///{folder}/mlflow.db")
        experiment = client.create_experiment("points")
        bulk = bulk_points(client._tracking_client.store.engine)
        assert bulk is not None
        points = [Point("train/loss", step, 0.5, 7) for step in range(1000)]
        metrics = [Metric(point.key, point.value, point.timestamp_ms, point.step) for point in points]
        ways: dict[str, Callable[[str], Any]] = {
            "log_batch": lambda run: client.log_batch(run, metrics),
            "bulk": lambda run: bulk.write(run, points),
        }
        for name, write in ways.items():
            runs = (client.create_run(experiment).info.run_id for _ in range(100))
            seconds = least(3, 1, lambda write=write, runs=runs: write(next(runs)))
            print(f"a point by {name}\n    {1e6 * seconds / len(points):.1f} µs", flush=True)


if __name__ == "__main__":
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    main()
