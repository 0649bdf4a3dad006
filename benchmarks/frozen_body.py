"""What 16 heads on one frozen, pretrained body cost beside one: time and peak memory of the whole commands.

Trains a wide network on the digits 0 to 4, then its head on 5 to 9: one rate as a run, the same as a sweep of one (a
sweep loads what makes its report), and several. The body stays out of the member axis, so its forward pass and its
memory are those of one network. Seconds of the processor say more than the clock on a busy machine, and one thread
(OMP_NUM_THREADS=1) more than several that wait for each other.

    python benchmarks/frozen_body.py --heads 16 --width 2048
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TRAIN = Path(__file__).resolve().parents[1] / "train.py"


def measured(root: Path, words: list[str]) -> tuple[float, float, float]:
    """Seconds of a command by the clock and of the processor, and the most memory that its process held, in MiB."""
    environment = {**os.environ, "LRSCOPE_ROOT": str(root)}
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, str(TRAIN), *words], env=environment, cwd=root, stdout=subprocess.DEVNULL
    )
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"failed: {' '.join(words)}")
    memory = used.ru_maxrss / (1024 if sys.platform != "darwin" else 2**20)
    return time.perf_counter() - began, used.ru_utime + used.ru_stime, memory


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--heads", type=int, default=16)
    asked.add_argument("--width", type=int, default=2048, help="units of each of the body's two layers")
    asked.add_argument("--epochs", type=int, default=20)
    asked.add_argument("--repeats", type=int, default=1)
    given = asked.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        shape = f"model.hidden=[{given.width},{given.width}]"
        quiet = ["callbacks.progress=none", "trainer=cpu", shape]
        measured(root, [*quiet, "dataset.classes=[0,1,2,3,4]", "epochs=3", "tracking.log_model=none"])
        (body,) = root.glob("outputs/spool/*/checkpoints/best.ckpt")
        tune = [
            *(*quiet, f"epochs={given.epochs}", "dataset.classes=[5,6,7,8,9]", f"model.checkpoint={body}"),
            *("optimizer.groups.body.freeze=true", "callbacks.trial_seconds=0"),
        ]
        rates = [f"{10 ** (-4 + 3 * k / max(1, given.heads - 1)):.3g}" for k in range(given.heads)]
        ways = {
            "one run": [*tune, "lr=0.01"],
            "sweep of one": ["-m", *tune, "lr=0.01"],
            f"{given.heads} heads": ["-m", *tune, f"lr={','.join(rates)}"],
        }
        least: dict[str, tuple[float, ...]] = {}
        for _ in range(given.repeats):
            for name, words in ways.items():
                now = measured(root, words)
                least[name] = tuple(map(min, least.get(name, now), now))
    print(f"{'':12} {'clock':>8} {'processor':>11} {'memory':>12}")
    for name, (seconds, busy, memory) in least.items():
        print(f"{name:12} {seconds:6.1f} s {busy:9.1f} s {memory:8.0f} MiB")
    *others, heads = least.items()
    for name, one in others:
        times = [f"{of / to:.2f}×" for of, to in zip(heads[1], one, strict=True)]
        print(f"{heads[0]} beside {name}: {times[0]} the time, {times[1]} the processor's, {times[2]} the memory")


if __name__ == "__main__":
    main()
