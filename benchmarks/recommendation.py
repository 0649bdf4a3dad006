"""How often the range of a recommendation contains the best rate, and what the recommended rate costs.

python benchmarks/recommendation.py train [--half held-out] [--cases 200]
python benchmarks/recommendation.py report [--half held-out] [--cases 200]
"""

from __future__ import annotations

import argparse
import os
import pickle
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

FOLDER = Path(__file__).resolve().parents[1] / "outputs" / "recommendation"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["train", "report"])
    parser.add_argument("--half", choices=["tune", "held-out"], default="held-out")
    parser.add_argument("--cases", type=int, default=200)
    parser.add_argument("--first", type=int, default=0, help="number of the first case: parts can run side by side")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where the trainings are kept")
    chosen = parser.parse_args()
    import torch

    torch.set_num_threads(1)
    from recommendation_parts.sweep_cases import DENSE_SEEDS, draw_case
    from recommendation_parts.train_rates import train_rates

    chosen.folder.mkdir(parents=True, exist_ok=True)
    for number in range(chosen.first, chosen.cases):
        case = draw_case(chosen.half, number)
        path = chosen.folder / f"{case.name}.pickle"
        if path.exists():
            continue
        begun = time.perf_counter()
        sweep = {seed: train_rates(case, case.rates, seed) for seed in range(case.seeds)}
        dense = {seed: train_rates(case, case.dense_rates, seed, whole=False) for seed in DENSE_SEEDS}
        part = path.with_suffix(".part")
        part.write_bytes(pickle.dumps((case, sweep, dense)))
        part.replace(path)
        print(
            case.name,
            case.problem,
            case.optimizer,
            len(case.rates),
            case.seeds,
            f"{time.perf_counter() - begun:.1f} s",
            flush=True,
        )


if __name__ == "__main__":
    main()
