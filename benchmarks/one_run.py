"""What one run costs beside the bare PyTorch loop of the same steps: Lightning, measuring and writing apart.

    python benchmarks/one_run.py [--epochs 50] [--rounds 5]

Digits, the default network and recording, one CPU thread, one process, the variants in turn. Both the bare loop and
lrscope evaluate the whole training and validation part at the end of each epoch; "steps only" leaves that out. What the
default signals (gradient norm, update ratio and cosine, dead units) add is the difference of the two lines about them;
copies are trained on only of short runs (--epochs 10), and of failed ones.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig
from torch import nn

from lrscope.config import schema
from lrscope.core.job import Job
from lrscope.core.paths import project_root
from lrscope.datasets.index_batches import order
from lrscope.runs.fit import assemble, make_module, train
from lrscope.runs.lifecycle import conclude, open_record
from lrscope.runs.prepare import PreparedRun, prepare
from lrscope.runs.probe_run import look_ahead
from lrscope.tracking import TrackingSettings, open_session
from lrscope.training.checkpoint_folder import CheckpointFolder
from lrscope.training.fast_hooks import LeanCallback
from lrscope.training.recording import RunRecorder
from lrscope.training.trainer import lightning_kept_quiet as quiet

NO_COPIES = "callbacks.look_ahead=false"
SIGNALS = ("grad_norm", "update_ratio", "update_cosine", "dead_units")


@dataclass(frozen=True)
class Variant:
    """One way to make the same updates; ``seconds`` runs it once."""

    name: str
    seconds: Callable[[], float]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        run = prepared(arguments.epochs, Path(folder))
        ended = prepared(arguments.epochs, Path(folder), NO_COPIES)
        plain = prepared(arguments.epochs, Path(folder), NO_COPIES, *(f"callbacks.{name}=false" for name in SIGNALS))
        variants = [
            Variant("bare loop, steps only", lambda: bare(run, evaluated=False)),
            Variant("bare loop", lambda: bare(run, evaluated=True)),
            Variant("Lightning alone, steps only", lambda: lightning(run)),
            Variant("recorded in memory, no signals", lambda: recorded(plain, Path(folder))),
            Variant("recorded in memory", lambda: recorded(ended, Path(folder))),
            Variant("and copies trained on", lambda: recorded(run, Path(folder))),
            Variant("whole run, into MLflow", lambda: whole(run, Path(folder))),
        ]
        times: dict[str, list[float]] = {variant.name: [] for variant in variants}
        for round_number in range(arguments.rounds + 1):
            for variant in variants:
                taken = variant.seconds()
                if round_number:  # the first round warms up
                    times[variant.name].append(taken)
    show(times, run.plan.total_steps)


def prepared(epochs: int, folder: Path, *overrides: str) -> PreparedRun:
    schema.register()
    with initialize_config_dir(str(project_root() / "conf"), version_base="1.3"):
        cfg = compose("train", [f"epochs={epochs}", "callbacks.progress=none", "tracking.log_model=none", *overrides])
    return prepare(cfg, Job(folder, ()))


def bare(run: PreparedRun, evaluated: bool) -> float:
    """The same updates on the same batches, as one would write them without any library around."""
    cfg = run.cfg
    data = run.source.data
    assert data is not None
    network = make_module(run).network
    optimizer = torch.optim.Adam(network.parameters(), lr=cfg.lr)
    began = time.perf_counter()
    for epoch in range(cfg.epochs):
        for chosen in order(cfg.seed, epoch, len(data.train)).split(cfg.batch_size):
            loss = nn.functional.cross_entropy(network(data.train.inputs[chosen]), data.train.targets[chosen])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        if evaluated:
            with torch.no_grad():
                for part in (data.train, data.val):
                    assert part is not None
                    answers = network(part.inputs)
                    nn.functional.cross_entropy(answers, part.targets).item()
                    (answers.argmax(1) == part.targets).float().mean().item()
    return time.perf_counter() - began


def lightning(run: PreparedRun) -> float:
    """Lightning's Trainer over the same loader, with no callback at all."""
    single = assemble(fresh(run), RunRecorder(run.plan), CheckpointFolder(run.job.folder))
    single.trainer.callbacks = [LeanCallback()]
    began = time.perf_counter()
    with quiet():
        single.trainer.fit(single.module, single.loader)
    return time.perf_counter() - began


def recorded(run: PreparedRun, folder: Path) -> float:
    """Everything that is measured by default, kept in memory."""
    single = assemble(fresh(run), RunRecorder(run.plan), CheckpointFolder(folder))
    began = time.perf_counter()
    look_ahead(single, single.steps.recorder, train(single))
    return time.perf_counter() - began


def whole(run: PreparedRun, folder: Path) -> float:
    """From the opened session to the last point in the store, verdict and checkpoints included."""
    again = fresh(run)
    settings = TrackingSettings("online", f"sqlite:///{folder}/mlflow.db", folder / "spool")
    session = open_session(settings)
    began = time.perf_counter()
    recorder = RunRecorder(again.plan)
    single = assemble(again, recorder, CheckpointFolder(folder / "spool" / again.local_id / "checkpoints"))
    log = open_record(again, session, recorder)
    ending = train(single)
    look_ahead(single, recorder, ending)
    conclude(again, log, recorder, ending)
    session.close()
    taken = time.perf_counter() - began
    assert log.run_id is not None
    check_complete(settings, log.run_id, again.plan.total_steps)
    return taken


def check_complete(settings: TrackingSettings, run_id: str, steps: int) -> None:
    """Every promised point is in the store, or the timing is worth nothing."""
    from mlflow import MlflowClient

    client = MlflowClient(settings.uri)
    plan = RunRecorder(fresh_plan(steps)).plan
    losses = [point.step for point in client.get_metric_history(run_id, "train/loss")]
    assert sorted(losses) == [step for step in range(steps) if plan.keeps_loss(step)], "train/loss is incomplete"
    norms = [point.step for point in client.get_metric_history(run_id, "grad_norm")]
    assert sorted(norms) == [step for step in range(steps) if plan.keeps_signals(step)], "grad_norm is incomplete"
    assert {point.step for point in client.get_metric_history(run_id, "lr")} == {0, steps - 1}, "lr is incomplete"


def fresh_plan(steps: int):
    from lrscope.training.recording import RecordingPlan

    return RecordingPlan.of(steps)


def fresh(run: PreparedRun) -> PreparedRun:
    cfg: DictConfig = run.cfg.copy()
    return prepare(cfg, run.job, run.source)


def show(times: dict[str, list[float]], steps: int) -> None:
    middle = {name: statistics.median(taken) for name, taken in times.items()}
    base = middle["bare loop"]
    print(f"{steps} updates, one thread, torch {torch.__version__}; median (min..max) of {len(times['bare loop'])}")
    for name, taken in times.items():
        print(
            f"{name:32} {middle[name]:7.3f} s ({min(taken):.3f}..{max(taken):.3f})"
            f"  {1e3 * middle[name] / steps:.3f} ms/step  x{middle[name] / base:.2f}"
        )
    recorded_plain, recorded_all, with_copies, whole_run = list(middle.values())[-4:]
    print(
        f"\nLightning adds {middle['Lightning alone, steps only'] - middle['bare loop, steps only']:.3f} s to the loop"
    )
    print(f"writing into MLflow adds {whole_run - with_copies:.3f} s")
    print(f"the default signals add {recorded_all / recorded_plain - 1:.1%} to a run, all of them together")
    print(f"training copies on adds {with_copies - recorded_all:.3f} s, {with_copies / recorded_all - 1:.1%}")


if __name__ == "__main__":
    main()
