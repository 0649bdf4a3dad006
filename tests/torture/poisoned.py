"""Stores and journals that somebody else has written, and what every reader makes of them.

A case is a good store or journal of which some fields were exchanged for what an attacker, a broken disk or another
program may put there. Nothing of it may be run, nothing be written outside of the project, nothing steer the terminal
or the report's page; and whoever reads it says what is wrong in a line, or goes on with the rest.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import pickle
import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from lrscope.core.errors import LrscopeError
from lrscope.core.tracking_settings import TrackingSettings
from lrscope.tracking.mlflow_store.state_tag import folded
from stored_sweeps import Trained, store_sweep

STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u200e\u200f]")
MARKUP = re.compile(r"<(script>alert|img src=x|svg onload)", re.IGNORECASE)

COLUMNS = {
    "runs": ["run_uuid", "name", "status", "start_time", "end_time", "artifact_uri", "lifecycle_stage", "user_id"],
    "experiments": ["name", "artifact_location", "lifecycle_stage"],
    "tags": ["key", "value", "value", "value", "value"],
    "params": ["key", "value", "value"],
    "metrics": ["key", "value", "step", "timestamp", "is_nan"],
    "latest_metrics": ["key", "value", "step", "timestamp", "is_nan"],
    "experiment_tags": ["key", "value"],
}


class Runs:
    """Unpickled, it makes the file that shows it."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.mark,)


@dataclass(frozen=True)
class Place:
    """A project in a folder of its own, and beside it what nobody may touch."""

    folder: Path

    @property
    def project(self) -> Path:
        return self.folder / "project"

    @property
    def outside(self) -> Path:
        return self.folder / "outside"

    @property
    def mark(self) -> Path:
        """Made by whatever a store got to run."""
        return self.outside / "ran"

    @property
    def uri(self) -> str:
        return f"sqlite:///{self.project}/mlflow.db"

    def make(self) -> None:
        for folder in (self.project, self.outside):
            folder.mkdir(parents=True)
        (self.outside / "secret").write_text("SECRET OF THIS MACHINE")

    def spoilt(self) -> str:
        """What happened to the outside; empty where nothing did."""
        if self.mark.exists():
            return "code of the store was run"
        names = sorted(path.name for path in self.folder.iterdir()), sorted(p.name for p in self.outside.rglob("*"))
        if names != (["outside", "project"], ["secret"]):
            return f"something was written outside: {names}"
        return "" if "SECRET" in (self.outside / "secret").read_text() else "a file outside was written to"


def payload(random: Random, place: Place) -> Any:
    """What may stand where a text or a number should."""
    texts = [
        *("", " ", "\n\n", "x" * 100_000, "9" * 5000, "-1", "nan", "-inf", "1e999", "0x10", "None", "true", "[]", "{}"),
        *("\x1b]0;owned\x07\x1b[2J\x1b[31m", "\x9b31m", "a\rb", "\u202egnp.exe", "\u2066x\u2069", "a\0b", "\x7f\x08"),
        *("<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "</title><svg onload=alert(1)>", "&lt;b&gt;"),
        *(
            "[/]",
            "[bold red]x[link=file:///etc]",
            "[",
            "$\\frac{",
            "$$",
            "\\",
            "{x!r}",
            "%(x)s %s %n",
            "${oc.env:HOME}",
        ),
        *("'; DROP TABLE runs; --", "` = '' or 1=1", "' OR '1'='1", "../../outside/x", "..\\..\\outside\\x", "C:\\x"),
        *(str(place.outside), f"{place.outside}/x", f"file://{place.outside}/x", f"file:{place.outside}", "~/x", "/"),
        *("http://127.0.0.1:9/x", "mlflow-artifacts://127.0.0.1:9/x", "runs:/x/y", "models:/x", "sftp://127.0.0.1:9/x"),
        *(
            "[" * 3000,
            '{"a":' * 3000,
            '{"a": [1, {"b": null}]}',
            '["a", 1, null, {"x": []}]',
            '"text"',
            "1e400",
            "[1e400]",
        ),
        *(json.dumps([word]) for word in commands(place)),
        json.dumps({name: random.choice([None, "x", -1, 1e308, [], {}, [[]], True]) for name in FACTS}),
        json.dumps({"version": 1, **{name: random.choice([None, "\x1b[2J", -1, 1e308, [[]], {}]) for name in STATE}}),
    ]
    numbers = [-1, 0, 2**31, 2**53 + 1, 2**63 - 1, -(2**63), 1e308, -1e308, 0.5, float("inf"), None]
    return random.choice([*texts, *numbers, b"\xff\xfe\x00", b"\x80abc"])


FACTS = (
    *("peak_lr", "optimizer", "momentum", "nesterov", "beta1", "scheduler", "scheduler_arguments", "planned_steps"),
    *(
        "steps_per_epoch",
        "task",
        "class_shares",
        "batch_size",
        "examples",
        "constant_loss",
        "floor_loss",
        "target_range",
    ),
    *("largest_input", "weight_decay", "clip_value", "parameters", "dropout", "batch_norm", "answers", "saturated"),
)

STATE = ("facts", "best", "steps", "seconds", "axes", "planned", "overrides", "process.pid", "local_id", "kind")


def commands(place: Place) -> list[str]:
    """Words that would run something, if they were believed."""
    mark = place.mark
    return [
        f"model={{_target_: os.system, command: 'touch {mark}'}}",
        f"+callbacks.extra=[{{_target_: subprocess.run, args: [touch, '{mark}']}}]",
        f"+model.x={{_target_: pathlib.Path.touch, self: {{_target_: pathlib.Path, _args_: ['{mark}']}}}}",
        f"optimizer={{_target_: torch.hub.load, repo_or_dir: '{place.outside}', model: x, source: local}}",
        *(f"--config-dir={place.outside}", f"hydra.run.dir={place.outside}/x", f"tracking.spool={place.outside}/x"),
        *(
            f"dataset=../../{place.outside.name}/x",
            f"hydra.callbacks.x={{_target_: os.system, command: 'touch {mark}'}}",
        ),
    ]


class PoisonedStore:
    """One good sweep in a SQLite file; each case begins with it."""

    def __init__(self, place: Place, seed: int) -> None:
        self.place, self.seed = place, seed
        curves = {
            key: [(step, 2.0 / (step + 1) + rate) for step in range(40)]
            for key, rate in (("train/loss", 0.1), ("train/loss_epoch", 0.2), ("val/loss", 0.3), ("val/acc", 0.0))
            for _ in (0,)
        }
        runs = [
            Trained(rate, seed_, {**curves, "lr": [(0, rate), (39, rate)]}, "trained", "it fell")
            for rate, seed_ in ((0.1, 0), (0.01, 0), (0.01, 1))
        ]
        self.parent, self.members = store_sweep(place.uri, runs, axes=("lr", "seed"))
        self._finish()
        self._good = sqlite3.connect(":memory:")
        with self._open() as file:
            file.backup(self._good)

    def _finish(self) -> None:
        """What lrscope adds: ids, facts, the process."""
        from mlflow import MlflowClient

        client = MlflowClient(self.place.uri)
        own = {"lrscope.facts": json.dumps({"peak_lr": 0.1, "optimizer": "Adam"}), "lrscope.best": '{"val/loss": 0.3}'}
        own |= {"lrscope.steps": "40", "lrscope.seconds": "1.5", "lrscope.heartbeat": "1700000000"}
        own |= {f"lrscope.process.{name}": "1" for name in ("machine", "boot", "namespace", "pid", "started")}
        for number, run_id in enumerate((self.parent, *self.members)):
            tags = {**own, "lrscope.local_id": f"id{number}", "lrscope.fingerprint": f"f{number}"}
            # Every second run as an earlier version wrote it, a tag for each.
            for key, value in (folded(tags, {}) if number % 2 else tags).items():
                client.set_tag(run_id, key, value)
        client.update_run(self.members[-1], status="RUNNING")

    @contextlib.contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with contextlib.closing(sqlite3.connect(self.place.project / "mlflow.db", isolation_level=None)) as file:
            file.execute("PRAGMA foreign_keys=OFF")
            file.execute("PRAGMA ignore_check_constraints=ON")
            yield file

    def poison(self, number: int) -> list[str]:
        """The good store with some fields exchanged; which. Below 0 as it was."""
        from mlflow.tracking._tracking_service import utils

        utils._artifact_repos_cache.clear()
        random = Random(f"{self.seed} {number}")
        done = []
        with self._open() as file:
            self._good.backup(file)
            if number < 0:
                return []
            for _ in range(random.randint(1, 6)):
                table = random.choice([*COLUMNS, "tags", "tags", "runs"])
                column, value = random.choice(COLUMNS[table]), payload(random, self.place)
                rows = [row[0] for row in file.execute(f"SELECT rowid FROM {table} ORDER BY rowid")]
                chosen = random.choice(rows) if rows and random.random() < 0.9 else None
                where, of = ("WHERE rowid = ?", (chosen,)) if chosen is not None else ("", ())
                with contextlib.suppress(sqlite3.IntegrityError, OverflowError):
                    file.execute(f"UPDATE {table} SET {column} = ? {where}", (value, *of))
                    done.append(f"{table}.{column}[{chosen}] = {str(value)[:60]!r}")
            if random.random() < 0.1:
                file.execute("UPDATE tags SET value = CAST(x'ff80' AS TEXT) WHERE key = 'lrscope.why'")
        return done

    def say_of_parent(self, tag: str, value: str) -> None:
        with self._open() as file:
            file.execute("UPDATE tags SET value = ? WHERE run_uuid = ? AND key = ?", (value, self.parent, tag))

    def case(self, number: int, figures: bool = False) -> str:
        """What was wrong with how a case was taken; empty where nothing was."""
        done = self.poison(number)
        for name, read in self.readers(figures).items():
            try:
                said = read()
            except LrscopeError as error:
                said = str(error)
                if not said or len(said) > 20_000:
                    return f"case {number}, {name}: said {said[:80]!r} of {done}"
            except Exception as error:
                return f"case {number}, {name}: {type(error).__name__}: {str(error)[:300]} after {done}"
            if found := STEERING.search(said):
                return f"case {number}, {name}: {found[0]!r} reached the terminal after {done}"
            if spoilt := self.place.spoilt():
                return f"case {number}, {name}: {spoilt} after {done}"
        return ""

    def readers(self, figures: bool) -> dict[str, Callable[[], str]]:
        """Everything that reads a store, by the command that does; each gives what it tells a person."""
        return {
            "compare --list": lambda: "\n".join(_list(self.place.uri)),
            "compare": lambda: _compare(self.place, figures),
            "diagnose": lambda: _diagnose(self.place.uri, self.parent),
            "resume": lambda: _resume(self.place, self.parent),
            "reap": lambda: _reap(self.place),
            "fetch": lambda: _fetch(self.place, self.members[0]),
        }


def _list(uri: str) -> tuple[str, ...]:
    from lrscope.report.report_stored import list_sweeps

    return list_sweeps(uri)


def _compare(place: Place, figures: bool) -> str:
    from rich.console import Console

    from lrscope.report import collect_sweep, latest_sweep, members_table, sweep_links
    from lrscope.report.data.connect import connect
    from lrscope.report.mlflow_ui.attach import attach_to_mlflow
    from lrscope.report.output.report_files import write_report

    client = connect(place.uri)
    sweep = collect_sweep(client, latest_sweep(client))
    written = write_report(sweep, place.project / "report", figures=figures)
    page = written.html.read_text("utf-8")
    if found := MARKUP.search(page.partition('id="figure-data"')[0]) or MARKUP.search(written.note_markdown):
        raise AssertionError(f"markup in the report: {found[0]}")
    if "</script" in page.partition('id="figure-data"')[2].partition("</script>")[0]:
        raise AssertionError("the data of the figures ends its element")
    with contextlib.suppress(LrscopeError):
        attach_to_mlflow(sweep, written.note_markdown, client)
    with contextlib.suppress(Exception):
        client.log_artifacts(sweep.run_id, str(place.project / "report"), "report")  # as report_stored, which says why
    out = io.StringIO()
    Console(file=out, width=160, highlight=False).print(members_table(sweep), crop=False)
    return "\n".join([out.getvalue(), *sweep_links(sweep).lines(sweep.has_view)])


def _diagnose(uri: str, run_id: str) -> str:
    from lrscope.report.diagnose_stored import diagnose_stored

    found = diagnose_stored([run_id], uri)
    return "\n".join(f"{item.run_id} {item.name} {item.note_markdown}" for item in found)


def _resume(place: Place, run_id: str) -> str:
    """As ``scripts/resume.py`` and ``train.py resume=``, up to where the training begins."""
    from lrscope.config.trust import command_again
    from lrscope.runs.resume import known_members
    from lrscope.tracking.find import find_sweep

    stored = find_sweep(_settings(place), None, run_id)
    known = known_members(stored.members)
    names = [f"{member.local_id} {member.name} {member.done}" for member in stored.members]
    words = command_again(stored.parent.overrides)
    if any("_target_" in word or str(place.outside) in word for word in words):
        raise AssertionError(f"believed: {words}")
    return "\n".join([*words, *names, *known])


def _reap(place: Place) -> str:
    from lrscope.tracking.liveness.reap import reap

    found = reap(_settings(place), mark=True)
    return "\n".join([*found.gone, *map(str, found.doubtful), *found.marked])


def _fetch(place: Place, run_id: str) -> str:
    from lrscope.tracking.mlflow_store.fetch import fetch_artifact

    target = place.project / "fetched" / "last.ckpt"
    return str(fetch_artifact(_settings(place), run_id, "checkpoints/last.ckpt", target))


def _settings(place: Place) -> TrackingSettings:
    return TrackingSettings(uri=place.uri, spool=place.project / "outputs" / "spool")


class PoisonedJournals:
    """Journals of an offline sweep, copied and exchanged in part; delivered all at once into a good store."""

    def __init__(self, place: Place, good: Path, seed: int) -> None:
        self.place, self.good, self.seed = place, good, seed
        self.spool = place.project / "outputs" / "spool"

    def deliver(self, count: int) -> str:
        """What was wrong with how so many journals were taken; empty where nothing was."""
        from lrscope.tracking.delivery.sync import sync
        from lrscope.tracking.find import find_run
        from lrscope.tracking.liveness.reap import reap

        random = Random(f"journals {self.seed}")
        shutil.rmtree(self.spool, ignore_errors=True)
        sources = sorted(path for path in self.good.iterdir() if path.is_dir())
        for number in range(count):
            folder = self.spool / f"j{number}"
            shutil.copytree(random.choice(sources), folder)
            self._poison(random, folder)
        said: list[str] = []
        for read in (
            lambda: sync(_settings(self.place), adopt=True, prune=True).words,
            lambda: sync(_settings(self.place), adopt=True).words,
            lambda: [*reap(_settings(self.place)).gone],
            lambda: [str(find_run(TrackingSettings("offline", None, self.spool), None, "latest", "sweep").name)],
        ):
            try:
                said += read()
            except LrscopeError as error:
                said.append(str(error))
        if found := STEERING.search("\n".join(said).replace("\n", " ")):
            return f"{found[0]!r} reached the terminal"
        if any("SECRET" in file.read_text(errors="replace") for file in self._delivered()):
            return "a file from outside of the journal was delivered"
        return self.place.spoilt()

    def _delivered(self) -> Iterator[Path]:
        for path in (self.place.project / "mlruns").rglob("*"):
            if path.is_file():
                yield path

    def _poison(self, random: Random, folder: Path) -> None:
        file = folder / "events.jsonl"
        lines = file.read_bytes().splitlines(keepends=True)
        text = lines[0].replace(b'"local_id":"' + _id_of(lines[0]), b'"local_id":"' + folder.name.encode(), 1)
        lines[0] = text if random.random() < 0.9 else lines[0]
        for _ in range(random.randint(1, 5)):
            at = random.randrange(len(lines))
            lines[at] = random.choice([_exchanged, _broken, _added])(random, self.place, lines[at])
        file.write_bytes(b"".join(lines))
        if random.random() < 0.4:
            self._poison_files(random, folder, file)

    def _poison_files(self, random: Random, folder: Path, file: Path) -> None:
        name = random.choice(["events.jsonl", "cursor.json", "cursor.new", "lock", "refused.jsonl", "x", "checkpoints"])
        target = folder / name
        if target.is_dir():
            shutil.rmtree(target)
        target.unlink(missing_ok=True)
        match random.choice(["link", "dangling", "fifo", "folder", "words"]):
            case "link":
                target.symlink_to(self.place.outside / "secret")
            case "dangling":
                target.symlink_to(self.place.outside / "new")
            case "fifo":
                os.mkfifo(target)
            case "folder":
                target.mkdir()
            case "words":
                target.write_text(json.dumps({"offset": payload(random, self.place)}, default=str))
        if name in ("x", "checkpoints") and file.is_file() and not file.is_symlink():
            with file.open("ab") as journal:
                event = {"event": random.choice(["artifact", "model"]), "path": name, "folder": "f", "model": "model"}
                journal.write(json.dumps(event).encode() + b"\n")


def _id_of(line: bytes) -> bytes:
    return str(json.loads(line)["start"]["local_id"]).encode()


def _exchanged(random: Random, place: Place, line: bytes) -> bytes:
    """One value anywhere in it is another one."""
    try:
        event = json.loads(line)
    except ValueError:
        return line
    at, key = event, random.choice(list(event))
    while isinstance(at[key], dict) and at[key] and random.random() < 0.8:
        at = at[key]
        key = random.choice(list(at))
    value = payload(random, place)
    at[key] = value.decode("latin-1") if isinstance(value, bytes) else value
    return json.dumps(event).encode() + b"\n"


def _broken(random: Random, _place: Place, line: bytes) -> bytes:
    at = random.randrange(max(1, len(line)))
    return random.choice([line[:at], line[:at] + bytes([random.randrange(256)]) + line[at + 1 :], line * 2, b"\n"])


def _added(random: Random, place: Place, line: bytes) -> bytes:
    events: list[Any] = [
        {"event": "text", "text": "x", "file": payload(random, place)},
        {"event": "artifact", "path": payload(random, place), "folder": payload(random, place)},
        {"event": "artifact", "path": "../../../../outside/secret", "folder": ""},
        {"event": "model", "path": payload(random, place), "model": payload(random, place)},
        {"event": "tags", "tags": {str(payload(random, place)): payload(random, place)}},
        {"event": "points", "points": [["k", payload(random, place), payload(random, place), 1]]},
        {"event": "end", "status": payload(random, place), "time_ms": payload(random, place)},
        {"event": "sent", "last_steps": {"k": payload(random, place)}},
        {"event": payload(random, place)},
        payload(random, place),
    ]
    return line + json.dumps(random.choice(events), default=str).encode() + b"\n"


def poisoned_checkpoint(place: Place, file: Path) -> None:
    """A zip archive as torch writes them, whose pickle runs something."""
    import zipfile

    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps({"state_dict": Runs(place.mark)}))
        archive.writestr("archive/version", "3\n")
        archive.writestr("archive/byteorder", "little")


def recorded(folder: Path) -> Path:
    """The journals of a good sweep that was recorded offline."""
    from lrscope.tracking import DatasetInfo, Point, RunStart, open_session

    session = open_session(TrackingSettings("offline", None, folder / "spool"))
    parent = session.start(RunStart("e", "lr × 2", "sweep", "parent", None, {}, {"lrscope.axes": '["lr"]'}))
    for name in ("one", "two"):
        log = session.start(RunStart("e", f"lr={name}", "member", name, "parent", {"lr": "0.1"}, {"a": "b"}))
        log.points([Point("train/loss", step, 1.0 / (step + 1), 1_700_000_000_000) for step in range(20)])
        log.tags({"lrscope.why": "it fell"})
        log.text("x: 1\n", "config.yaml")
        log.dataset(DatasetInfo("digits", "abc", "sklearn"))
        (folder / "last.ckpt").write_bytes(b"weights")
        log.artifact(folder / "last.ckpt", "checkpoints")
        log.end("FINISHED")
    parent.end("FINISHED")
    session.close()
    return folder / "spool"
