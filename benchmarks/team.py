"""Four people's sweeps at once against ``lrscope server``; prints the tables of docs/team.md.

    python benchmarks/team.py [--minutes 10] [--people 4]

Everybody trains the same sweep again and again, from a folder of their own. The first is killed by SIGKILL once and
resumes; the second sits behind a proxy that holds every request up for a fifth of a second. Meanwhile a browser's calls
and those of a program are timed. At the end every point of every run is held against a sweep in one process with a
store of its own.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from servers import Proxy, free_port

ROOT = Path(__file__).resolve().parents[1]
SWEEP = (
    *("-m", "lr=1,0.1,0.01", "seed=0,1", "dataset=blobs", "epochs=40", "trainer=cpu", "sweep.report=false"),
    *("callbacks.look_ahead=false", "tracking.log_model=best", "sweep.together=always", "experiment_name=team"),
)
ASK_EVERY_S, SLOW_S = 0.5, 0.2

Points = dict[str, dict[tuple[str, int], list[float]]]
"""Of the members of one sweep, by name: the values of each metric and step."""


@dataclass
class Asked:
    """Seconds that each kind of call took, and what the failed ones came to."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    failed: Counter[str] = field(default_factory=Counter)


def start(folder: Path, uri: str | None, *words: str) -> subprocess.Popen[str]:
    """A sweep in the folder of a person; without an address in a store there."""
    folder.mkdir(parents=True, exist_ok=True)
    foreign = ("MLFLOW_", "LRSCOPE_", "HYDRA_")
    environment = {key: value for key, value in os.environ.items() if not key.startswith(foreign)}
    environment |= {"OMP_NUM_THREADS": "1", "LRSCOPE_ROOT": str(folder), "LRSCOPE_TRIAL_SECONDS": "0"}
    environment |= {"MLFLOW_TRACKING_URI": uri} if uri else {}
    return subprocess.Popen(
        [sys.executable, str(ROOT / "train.py"), *SWEEP, *words],
        cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


def ended_well(process: subprocess.Popen[str]) -> None:
    said, _ = process.communicate()
    if process.returncode:
        raise RuntimeError(f"exit {process.returncode}: {said[-3000:]}")


def sweeps_of(folder: Path, uri: str, until: float, killed: bool) -> int:
    """Train until the time is over; how many sweeps it came to."""
    count = 0
    while time.monotonic() < until:
        process = start(folder, uri)
        if killed and count == 1:
            while process.poll() is None and not _trained_since(folder, process):
                time.sleep(0.1)
            process.send_signal(signal.SIGKILL)
            process.communicate()
            process = start(folder, uri, "resume=latest")
        ended_well(process)
        count += 1
    return count


def _trained_since(folder: Path, process: subprocess.Popen[str]) -> bool:
    """Whether a run of this process has points."""
    pid = f'"lrscope.process.pid":"{process.pid}"'
    texts = (path.read_text().replace(" ", "") for path in folder.glob("outputs/spool/*/events.jsonl"))
    return any(pid in text and "train/loss" in text for text in texts)


def ask(uri: str, until: float, asked: Asked) -> None:
    """Call what the page and a program call, again and again."""
    import requests

    client = requests.Session()
    found: list[str] = []

    def search(path: str) -> None:
        body = {"experiment_ids": ["1"], "max_results": 100, "filter": "tags.`lrscope.kind` = 'member'"}
        answer = client.post(f"{uri}/{path}/2.0/mlflow/runs/search", json=body, timeout=60)
        found[:] = [run["info"]["run_id"] for run in answer.json().get("runs", [])]
        answer.raise_for_status()

    def curve() -> None:
        words = {"run_id": found[0], "metric_key": "train/loss"}
        client.get(f"{uri}/api/2.0/mlflow/metrics/get-history", params=words, timeout=60).raise_for_status()

    calls: dict[str, Callable[[], object]] = {
        "page: the document": lambda: client.get(f"{uri}/", timeout=60).raise_for_status(),
        "page: the table of 100 runs": lambda: search("ajax-api"),
        "API: 100 runs": lambda: search("api"),
        "API: a curve": curve,
    }
    while not found and time.monotonic() < until:  # until the first run is there
        with suppress(requests.RequestException):
            search("api")
        time.sleep(ASK_EVERY_S)
    while time.monotonic() < until:
        for name, call in calls.items():
            began = time.perf_counter()
            try:
                call()
            except (requests.RequestException, ValueError) as error:
                asked.failed[f"{name}: {error!r:.200}"] += 1
            asked.seconds[name].append(time.perf_counter() - began)
        time.sleep(ASK_EVERY_S)


def points(uri: str) -> tuple[list[Points], list[str]]:
    """Of every sweep, and the status of every run."""
    from mlflow import MlflowClient

    client = MlflowClient(uri)
    sweeps: dict[str, Points] = defaultdict(dict)
    states = []
    (experiment,) = [one for one in client.search_experiments() if one.name == "team"]
    token: str | None = None
    while True:
        page = client.search_runs([experiment.experiment_id], max_results=500, page_token=token)
        for run in page:
            states.append(str(run.info.status))
            if run.data.tags["lrscope.kind"] == "member":
                sweeps[run.data.tags["mlflow.parentRunId"]][str(run.info.run_name)] = _points_of(client, run)
        token = page.token
        if not token:
            return list(sweeps.values()), states


def _points_of(client: Any, run: Any) -> dict[tuple[str, int], list[float]]:
    values: dict[tuple[str, int], list[float]] = defaultdict(list)
    for key in run.data.metrics:
        if "second" not in key and not key.startswith("system/"):
            for point in client.get_metric_history(run.info.run_id, key):
                values[key, point.step].append(point.value)
    return dict(values)


def held_against(twin: Points, sweeps: list[Points]) -> dict[str, int]:
    """How many points are there, missing, there twice, or another value."""
    count = {"points": 0, "lost": 0, "doubled": 0, "other": 0}
    for sweep in sweeps:
        for name, wanted in twin.items():
            found = sweep.get(name, {})
            count["points"] += sum(map(len, found.values()))
            count["lost"] += len(wanted.keys() - found.keys())
            count["doubled"] += sum(len(values) > 1 for values in found.values()) + len(found.keys() - wanted.keys())
            count["other"] += sum(found[place][0] != wanted[place][0] for place in wanted.keys() & found.keys())
    return count


def server(action: str, *words: str) -> None:
    program = "import sys; from lrscope.cli.commands.entry import run; sys.exit(run('server', sys.argv[1:]))"
    subprocess.run([sys.executable, "-c", program, action, *words], check=True, stdout=subprocess.DEVNULL)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--people", type=int, default=4)
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="team-", dir="/tmp"))  # short, and PostgreSQL's user may enter it
    folder.chmod(0o755)
    place, port = ("--folder", str(folder / "server")), free_port()
    try:
        ended_well(start(folder / "twin", None))
        (twin,), _ = points(f"sqlite:///{folder / 'twin' / 'mlflow.db'}")
        server("start", *place, "--port", str(port))
        proxy = Proxy(port)
        proxy.delay_s = SLOW_S
        uri, asked = f"http://127.0.0.1:{port}", Asked()
        until = time.monotonic() + 60 * arguments.minutes
        threading.Thread(target=ask, args=(uri, until, asked), daemon=True).start()
        with ThreadPoolExecutor(arguments.people) as people:
            trained = [
                people.submit(sweeps_of, folder / f"person{n}", proxy.uri if n == 1 else uri, until, n == 0)
                for n in range(arguments.people)
            ]
            counts = [one.result() for one in trained]
        sweeps, states = points(uri)
    finally:
        if (folder / "server" / "server.json").exists():
            server("stop", *place)
        shutil.rmtree(folder, ignore_errors=True)
    found = held_against(twin, sweeps)
    print("| sweeps of each | sweeps stored | runs | not FINISHED | points | lost | doubled | another value |")
    print("|---|---|---|---|---|---|---|---|")
    unfinished = sum(state != "FINISHED" for state in states)
    print(
        f"| {', '.join(map(str, counts))} | {len(sweeps)} | {len(states)} | {unfinished} | {found['points']:,} |",
        end="",
    )
    print(f" {found['lost']} | {found['doubled']} | {found['other']} |\n")
    print("| call | times | median | p95 |\n|---|---|---|---|")
    for name, seconds in asked.seconds.items():
        p95 = statistics.quantiles(seconds, n=20)[-1]
        print(f"| {name} | {len(seconds)} | {1e3 * statistics.median(seconds):.0f} ms | {1e3 * p95:.0f} ms |")
    print(f"\n{asked.failed.total()} of them failed")
    print("\n".join(f"{count} times {what}" for what, count in asked.failed.most_common()))


if __name__ == "__main__":
    main()
