"""What ``tracking.system_metrics`` costs; prints the table of docs/performance.md.

    python benchmarks/system_metrics.py [--samples 40]

A session records nothing at all, then nothing but the machine, one sample a second, each delivered by itself: the
difference is what a sample costs, in the process that trains and in the one beside it. Of the default interval of 10 s
that is a share. Times of the processor, which a busy machine does not change much.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

import psutil

_INTERVAL_S = 1.0
_DEFAULT_S = 10.0


def spent(seconds: float, system_metrics: bool) -> tuple[float, float]:
    """Processor seconds of this process, and of the service, while a run is open."""
    from lrscope.tracking import RunStart, TrackingSettings, open_session

    session = open_session(TrackingSettings(system_metrics=system_metrics))
    run = session.start(RunStart("cost", "cost", "run", f"cost-{system_metrics}-{time.time_ns()}"), wait=True)
    time.sleep(2)  # what the first sample loads
    (service,) = psutil.Process().children()
    before = time.process_time(), sum(service.cpu_times()[:2])
    time.sleep(seconds)
    used = time.process_time() - before[0], sum(service.cpu_times()[:2]) - before[1]
    run.end("FINISHED")
    session.close()
    return used


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=40)
    samples = parser.parse_args().samples
    seconds = samples * _INTERVAL_S
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"LRSCOPE_ROOT": str(Path(folder)), "MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL": str(_INTERVAL_S)}
        without, with_it = spent(seconds, False), spent(seconds, True)
    print("| process | a sample | of a core, one every 10 s |\n|---|---|---|")
    for name, on, off in zip(("that trains", "beside it, with delivery"), with_it, without, strict=True):
        cost = max(0.0, on - off) / samples
        print(f"| {name} | {1000 * cost:.2f} ms | {cost / _DEFAULT_S:.4%} |")


if __name__ == "__main__":
    main()
