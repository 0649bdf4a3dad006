"""What each of lrscope's tricks saves of a whole command: the command with it and without it, taking turns.

    python benchmarks/hacks.py [--rounds 3] [--only NAME,NAME] [--commands 0,1,2]

A trick is switched off from outside, for this benchmark alone: `without/sitecustomize.py` runs first in every process
of the command and replaces a function of the trick's module as soon as that is imported. Nothing in src knows of it.

Beside the wall time stand the seconds of processor that the command and its children took. They move less with what
else the machine does, so they decide. The least of the rounds with the trick is held against the least without; then
follow the median of the rounds' shares, the smallest and the largest.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent


def _nothing(*_: Any, **__: Any) -> None:
    return None


def _hooks_as_they_are(module: Any) -> None:
    module.hide_unused_hooks = _nothing
    module.NoProfiler = module.PassThroughProfiler


def _collector_as_it_is(module: Any) -> None:
    module.pause = module.go_on = module.leave = _nothing


def _memory_as_it_is(module: Any) -> None:
    module.keep_freed_memory = _nothing


def _passes_as_they_are(module: Any) -> None:
    module.Passes._trace = _nothing


def _config_store_copied(module: Any) -> None:
    register = module.register

    def registered() -> None:
        from hydra.core.config_store import ConfigStore

        register()
        del ConfigStore.__deepcopy__

    module.register = registered


def _composed_by_hydra(module: Any) -> None:
    def load_sweep_config(self: Any, master_config: Any, sweep_overrides: list[str]) -> Any:
        return self._compose(master_config, sweep_overrides)

    module.JobComposer.load_sweep_config = load_sweep_config


def _points_by_log_batch(module: Any) -> None:
    module.bulk_points = _nothing


@dataclass(frozen=True)
class Hack:
    """``switch_off`` gets the module right after it was imported."""

    module: str
    switch_off: Callable[[Any], None]


HACKS: Mapping[str, Hack] = {
    "fast_hooks": Hack("lrscope.training.fast_hooks", _hooks_as_they_are),
    "gc_pause": Hack("lrscope.core.gc_pause", _collector_as_it_is),
    "kept_memory": Hack("lrscope.training.kept_memory", _memory_as_it_is),
    "passes": Hack("lrscope.batched.model.passes", _passes_as_they_are),
    "config_store": Hack("lrscope.config.schema", _config_store_copied),
    "compose": Hack("lrscope.sweeps.compose", _composed_by_hydra),
    "bulk": Hack("lrscope.tracking.mlflow_store.bulk", _points_by_log_batch),
}


class _AfterImport(MetaPathFinder):
    """Lets Python find the module as ever, and switches the trick off when it has been executed."""

    def __init__(self, hack: Hack) -> None:
        self._hack = hack

    def find_spec(self, name: str, path: Any, target: Any = None) -> ModuleSpec | None:
        if name != self._hack.module:
            return None
        spec = PathFinder.find_spec(name, path, target)
        assert spec is not None and spec.loader is not None
        execute = spec.loader.exec_module

        def exec_module(module: Any) -> None:
            execute(module)
            self._hack.switch_off(module)

        setattr(spec.loader, "exec_module", exec_module)  # noqa: B010
        return spec


def switch_off(name: str) -> None:
    """Called at the start of each process; the empty name leaves everything on."""
    if name:
        sys.meta_path.insert(0, _AfterImport(HACKS[name]))


@dataclass(frozen=True)
class Command:
    """A command that users type, and the tricks that can matter in it."""

    name: str
    words: tuple[str, ...]
    hacks: tuple[str, ...]
    rounds: int | None = None


def _rates(members: int) -> str:
    return ",".join(f"{10 ** (-5 + 5 * k / (members - 1)):.6g}" for k in range(members))


_START = ("fast_hooks", "gc_pause", "bulk")
_STACK = (*_START, "kept_memory", "passes", "compose")

COMMANDS = (
    Command("--help", ("--help",), ("config_store", "gc_pause"), 7),
    Command("1 rate", (), (*_START, "kept_memory")),
    Command("3 rates", ("-m", "lr=1,0.01,0.0001"), _STACK),
    Command("3 rates, one by one", ("-m", "lr=1,0.01,0.0001", "sweep.together=never"), _START),
    Command("16 rates", ("-m", f"lr={_rates(16)}"), ("gc_pause", "bulk", "kept_memory", "passes", "compose"), 2),
    Command("64 rates", ("-m", f"lr={_rates(64)}"), ("gc_pause", "bulk", "kept_memory", "passes", "compose"), 2),
    Command("256 rates, 5 epochs", ("-m", f"lr={_rates(256)}", "epochs=5"), ("compose", "bulk", "passes"), 1),
    Command("cnn, 3 rates", ("-m", "lr=1,0.01,0.0001", "model=cnn"), ("kept_memory", "passes"), 2),
    Command("cnn, 16 rates", ("-m", f"lr={_rates(16)}", "model=cnn"), ("kept_memory", "passes"), 2),
    Command("cnn, 64 rates", ("-m", f"lr={_rates(64)}", "model=cnn"), ("kept_memory", "passes"), 1),
)


@dataclass(frozen=True)
class Cost:
    wall_s: float
    cpu_s: float


def cost_of(words: tuple[str, ...], folder: Path, without: str) -> Cost:
    """Run the command once, which has to succeed."""
    environment = os.environ | {
        "BENCHMARK_WITHOUT": without,
        "PYTHONPATH": os.pathsep.join([str(HERE / "without"), os.environ.get("PYTHONPATH", "")]),
        "LRSCOPE_ROOT": str(folder),
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "OMP_NUM_THREADS": "1",
    }
    command = [sys.executable, str(ROOT / "train.py"), *words]
    if words != ("--help",):
        command.append(f"experiment_name=e{time.time_ns()}")
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, check=False)
    wall_s, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}\n{done.stdout[-2000:]}{done.stderr[-4000:]}")
    return Cost(wall_s, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def measure(command: Command, hacks: tuple[str, ...], rounds: int, folder: Path) -> None:
    """Print one line for each trick."""
    variants = ("", *hacks)
    costs: dict[str, list[Cost]] = {name: [] for name in variants}
    for number in range(rounds):
        turn = number % len(variants)
        for name in (*variants[turn:], *variants[:turn]):
            costs[name].append(cost_of(command.words, folder, name))
    base = costs[""]
    cpu, wall = (min(getattr(cost, kind) for cost in base) for kind in ("cpu_s", "wall_s"))
    print(f"| **{command.name}** | {cpu:.2f} s | | {wall:.2f} s | |", flush=True)
    for name in hacks:
        cells = []
        for kind in ("cpu_s", "wall_s"):
            mine, with_it = ([getattr(cost, kind) for cost in some] for some in (costs[name], base))
            shares = [one / other - 1 for one, other in zip(mine, with_it, strict=True)]
            cells += [f"{min(mine) - min(with_it):+.2f} s, {min(mine) / min(with_it) - 1:+.1%}"]
            cells += [f"{statistics.median(shares):+.1%} ({min(shares):+.1%} .. {max(shares):+.1%})"]
        print(f"| without {name} | " + " | ".join(cells) + " |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, help="of every command; default 3, of long ones fewer")
    parser.add_argument("--only", help="tricks, separated by commas")
    parser.add_argument("--commands", help="numbers of commands, separated by commas")
    arguments = parser.parse_args()
    numbers = [int(n) for n in arguments.commands.split(",")] if arguments.commands else range(len(COMMANDS))
    print("| command | processor | | wall | |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        cost_of(("epochs=1",), Path(folder), "")  # makes the store, and warms the disk's cache
        for number in numbers:
            command = COMMANDS[number]
            hacks = tuple(h for h in command.hacks if not arguments.only or h in arguments.only.split(","))
            if hacks:
                measure(command, hacks, arguments.rounds or command.rounds or 3, Path(folder))


if __name__ == "__main__":
    main()
