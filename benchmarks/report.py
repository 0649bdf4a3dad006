"""How long reports of large stored sweeps take, and how much memory; every stored point is first seen to be there.

    python benchmarks/report.py                 64 members × 1,000 points and 1,000 members × 2 × 1,000, from SQLite
    python benchmarks/report.py --server        the same through `mlflow server` on the loopback, without bounds
    python benchmarks/report.py --small         the first of them only

Prints one line per case. The points are written straight into the database: through MLflow they would take minutes.
"""

from __future__ import annotations

import argparse
import contextlib
import math
import os
import resource
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class Case:
    """Each of ``members`` has ``points`` of each of ``metrics``; the report is to be there within ``seconds``."""

    name: str
    members: int
    metrics: tuple[str, ...]
    points: int
    seconds: float


CASES = (
    Case("3 members", 3, ("train/loss", "val/loss", "val/acc", "lr"), 1000, 2),
    Case("64 members", 64, ("train/loss", "val/loss", "val/acc", "lr"), 1000, 5),
    Case("1000 members", 1000, ("train/loss", "val/loss"), 1000, 60),
)


def main() -> int:
    """0 where every case kept its bound."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", action="store_true")
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--case", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--uri", default="", help=argparse.SUPPRESS)
    parser.add_argument("--parent", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.case is not None:
        return measure(CASES[arguments.case], arguments.uri, arguments.parent)
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder) / "mlflow.db"
        cases = CASES[:2] if arguments.small else CASES
        parents = [fill(database, case) for case in cases]
        with served(database) if arguments.server else contextlib.nullcontext(f"sqlite:///{database}") as uri:
            codes = [
                subprocess.run(
                    [sys.executable, __file__, "--case", str(i), "--uri", uri, "--parent", parent]
                ).returncode
                for i, parent in enumerate(parents)
            ]
    return max(codes)


def measure(case: Case, uri: str, parent: str) -> int:
    """In a process of its own, so that the peak of memory is this case's."""
    started = time.perf_counter()
    from lrscope.report import collect_sweep, write_report
    from lrscope.report.data.connect import connect

    client = connect(uri)
    loaded, busy = time.perf_counter(), time.process_time()
    sweep = collect_sweep(client, parent)
    read = time.perf_counter()
    stored = sum(len(member.trace.get(metric)) for member in sweep.members for metric in case.metrics)
    assert stored == case.members * case.points * len(case.metrics), f"{stored} points came back"
    with tempfile.TemporaryDirectory() as folder:
        begun = time.perf_counter()
        files = write_report(sweep, Path(folder))
        written, busy = time.perf_counter(), time.process_time() - busy
        size = files.html.stat().st_size
    total = (read - loaded) + (written - begun)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    bound = math.inf if uri.startswith("http") else case.seconds  # most of it is the server's own time then
    kept = total < bound and peak < 2
    print(
        f"{case.name:>13}: {stored:>9,} points  start {loaded - started:5.2f} s  read {read - loaded:6.2f} s  "
        f"report {written - begun:5.2f} s  together {total:6.2f} s "
        f"(bound {bound:g}; of the processor {busy:.2f} s)  "
        f"peak {peak:.2f} GiB  page {size / 1000:.0f} kB  {'ok' if kept else 'MISSED'}",
        flush=True,
    )
    return 0 if kept else 1


def fill(database: Path, case: Case) -> str:
    """A sweep of made curves; the parent's run id."""
    from mlflow import MlflowClient
    from mlflow.entities import Metric, Param

    client = MlflowClient(f"sqlite:///{database}")
    experiment = client.create_experiment(case.name, artifact_location=database.parent.as_uri())
    tags = {"lrscope.kind": "sweep", "lrscope.axes": '["lr"]', "lrscope.overrides": "[]"}
    parent = client.create_run(experiment, run_name=f"lr × {case.members}", tags=tags).info.run_id
    random = np.random.default_rng(0)
    rates = np.geomspace(1e-5, 10, case.members)
    runs = []
    for rate in rates.tolist():
        tags = {"lrscope.kind": "member", "mlflow.parentRunId": parent, "lrscope.verdict": "trained"}
        run = client.create_run(experiment, run_name=f"lr={rate:.4g}", tags=tags).info.run_id
        last = [Metric(name, 0.5, 0, case.points - 1) for name in case.metrics]
        client.log_batch(run, [*last, Metric("peak_lr", rate, 0, 0)], [Param("lr", repr(rate)), Param("seed", "0")])
        client.set_terminated(run)
        runs.append(run)
    connection = sqlite3.connect(database)
    connection.execute("PRAGMA synchronous=off")
    for run, rate in zip(runs, rates.tolist(), strict=True):
        for name in case.metrics:
            decay = np.exp(-np.arange(case.points - 1) / case.points * 5 * math.exp(-((math.log10(rate) + 2) ** 2)))
            values = (decay * (1 + 0.1 * random.random(case.points - 1))).tolist()
            rows = [(name, value, 0, run, step, 0) for step, value in enumerate(values)]
            columns = "(key, value, timestamp, run_uuid, step, is_nan)"
            connection.executemany(f"INSERT INTO metrics {columns} VALUES (?, ?, ?, ?, ?, ?)", rows)
    connection.commit()
    connection.close()
    return str(parent)


@contextlib.contextmanager
def served(database: Path) -> Iterator[str]:
    """The lean server on it."""
    import socket

    from lrscope.report.mlflow_ui.local_server import start, wait_for
    from lrscope.report.mlflow_ui.serve import page_command

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryFile() as log:
        page = start(*page_command(f"sqlite:///{database}", port), port, log)
        try:
            wait_for(page, log)
            yield page.url
        finally:
            page.stop()


if __name__ == "__main__":
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sys.exit(main())
