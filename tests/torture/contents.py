"""What a store holds, read straight off its database and its folder of artifacts: a campaign looks at thousands."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

import torch

from lrscope.core.pruned import PRUNED
from lrscope.tracking.mlflow_store.state_tag import STATE, unfolded

WALL_CLOCK = ("system/", "sharpness/seconds")
"""Metrics of time."""

OF_THE_PROCESS = ("lrscope.process.", "lrscope.session", "lrscope.heartbeat", "lrscope.seconds", "mlflow.source.git.")
IDENTITIES = ("lrscope.local_id", "lrscope.parent_local_id", "lrscope.sweep", "mlflow.parentRunId")
OF_THE_PROCESS_TOO = ("lrscope.together.choices", "lrscope.origin")
"""Tags that no two commands have in common."""

SAME_BYTES = ("config.yaml", "overrides.yaml")
NOT_THE_MEMBER = ("run_id", "seconds")


Own = Mapping[str, str]
"""Texts that are of one command alone, and what stands for them."""


@dataclass(frozen=True)
class Recorded:
    """One run as stored. ``artifacts`` and ``models`` have what of each file has to be the same everywhere."""

    status: str
    points: Counter[tuple[str, int]]
    values: Mapping[tuple[str, int], float]
    params: Mapping[str, str]
    tags: Mapping[str, str]
    artifacts: Mapping[str, str]
    models: Mapping[str, str]
    weights: Mapping[str, torch.Tensor]


def runs_of(database: Path, place: Path, store: str) -> dict[str, list[Recorded]]:
    """The runs by their kind and name. ``place`` and ``store``: the folder's path and the store's address do not count
    where they are written down.
    """
    own = {store: "STORE", store.replace(":", r"\:"): "STORE", str(place): "PLACE"}  # also as Hydra escapes it
    found: dict[str, list[Recorded]] = defaultdict(list)
    query = (
        "SELECT run_uuid, runs.name, status, artifact_uri FROM runs JOIN experiments USING (experiment_id) "
        "WHERE runs.lifecycle_stage = 'active' ORDER BY start_time"
    )
    with closing(sqlite3.connect(database)) as connection:
        ask = connection.execute
        names = dict(ask("SELECT run_uuid, name FROM runs"))
        for run_id, name, status, artifacts in ask(query).fetchall():
            tags = unfolded(dict(ask("SELECT key, value FROM tags WHERE run_uuid = ?", (run_id,))))
            tags.pop(STATE, None)
            kind = f"{tags.get('lrscope.kind')} {name}"
            here = {**own, run_id: "RUN"}
            found[kind].append(_recorded(connection, run_id, status, tags, names, artifacts, database, here))
    return found


def _recorded(
    connection: sqlite3.Connection,
    run_id: str,
    status: str,
    tags: dict[str, str],
    names: Mapping[str, str],
    uri: str,
    database: Path,
    own: Own,
) -> Recorded:
    artifacts = _folder(uri, database)
    ask = connection.execute
    points: Counter[tuple[str, int]] = Counter()
    values: dict[tuple[str, int], float] = {}
    for key, step, value, is_nan in ask("SELECT key, step, value, is_nan FROM metrics WHERE run_uuid = ?", (run_id,)):
        if not key.startswith(WALL_CLOCK):
            points[key, step] += 1
            values[key, step] = float("nan") if is_nan else value
    params = ask("SELECT key, value FROM params WHERE run_uuid = ?", (run_id,))
    of_data = (
        "SELECT datasets.name, digest FROM inputs JOIN datasets ON source_id = dataset_uuid WHERE destination_id = ?"
    )
    files = {str(file.relative_to(artifacts)): file for file in artifacts.rglob("*") if file.is_file()}
    files.pop("git.diff", None)  # of the working tree, which is somebody's to change meanwhile
    if PRUNED in tags:  # its checkpoint is not kept, unless it was interrupted before a search stopped it
        files = {name: file for name, file in files.items() if not name.startswith("checkpoints/")}
    content = {name: _content(file, own) for name, file in files.items()}
    content |= {f"dataset {name}": digest for name, digest in ask(of_data, (run_id,))}
    of_run = {key: value for key, value in tags.items() if not key.startswith(OF_THE_PROCESS + OF_THE_PROCESS_TOO)}
    if (parent := of_run.get("mlflow.parentRunId")) is not None:
        of_run["parent"] = names.get(parent, "none")
    return Recorded(
        status,
        points,
        values,
        {key: _anywhere(value, own) for key, value in params},
        {key: _told(value, own) for key, value in of_run.items() if key not in IDENTITIES},
        content,
        dict(_models(connection, run_id, database)),
        _weights(files.get("checkpoints/last.ckpt")),
    )


def _models(connection: sqlite3.Connection, run_id: str, database: Path) -> Iterator[tuple[str, str]]:
    asked = "SELECT model_id, name, status, artifact_location FROM logged_models WHERE source_run_id = ?"
    outputs = {row[0] for row in connection.execute("SELECT destination_id FROM inputs WHERE source_id = ?", (run_id,))}
    for number, (model_id, name, status, location) in enumerate(connection.execute(asked, (run_id,)).fetchall()):
        folder = _folder(location, database)
        yield f"{name} {number}", f"{status}, {'an' if model_id in outputs else 'no'} output of its run"
        for file in sorted(file for file in folder.rglob("*") if file.is_file()):
            yield f"{name} {number} {file.relative_to(folder)}", ""
        if (pickled := folder / "data" / "model.pth").is_file():
            network = torch.load(pickled, map_location="cpu", weights_only=False)
            yield f"{name} {number} weights", _digest(network.state_dict())


def _folder(uri: str, database: Path) -> Path:
    """Where artifacts lie; those of a server beside its database, in ``artifacts``."""
    if uri.startswith("mlflow-artifacts:/"):
        root = next(folder for folder in (database, *database.parents) if (folder / "artifacts").is_dir())
        return root / "artifacts" / urlsplit(uri).path.lstrip("/")
    return Path(unquote(urlsplit(uri).path))


def _content(file: Path, own: Own) -> str:
    """What of a file has to be the same everywhere; of most only that it is there, and not empty."""
    if file.name in SAME_BYTES:
        return "\n".join(line for line in _anywhere(file.read_text(), own).splitlines() if "resume" not in line)
    if file.name == "best.ckpt":
        return _digest(torch.load(file, map_location="cpu", weights_only=True)["state_dict"])
    if file.name == "members.csv":
        rows = csv.DictReader(io.StringIO(file.read_text()))
        return json.dumps([{key: row[key] for key in row if key not in NOT_THE_MEMBER} for row in rows])
    return "empty" if file.stat().st_size == 0 else "there"


def _told(text: str, own: Own) -> str:
    """A tag; of a note not its table, whose last column is of time (``members.csv`` has the rest of it)."""
    return "\n".join(line for line in _anywhere(text, own).splitlines() if not line.startswith("| 0."))


def _anywhere(text: str, own: Own) -> str:
    for one, word in own.items():
        text = text.replace(one, word)
    return text


def _digest(weights: Mapping[str, torch.Tensor]) -> str:
    digest = hashlib.sha256()
    for name, tensor in sorted(weights.items()):
        digest.update(name.encode() + tensor.contiguous().numpy().tobytes())
    return digest.hexdigest()


def _weights(file: Path | None) -> Mapping[str, torch.Tensor]:
    if file is None:
        return {}
    content: dict[str, dict[str, torch.Tensor]] = torch.load(file, map_location="cpu", weights_only=True)
    return content["state_dict"]
