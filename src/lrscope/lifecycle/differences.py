"""What is otherwise here than where a stored run trained: config, packages, code."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lrscope.core.fingerprint import relevant
from lrscope.core.from_store import line
from lrscope.core.redact import HIDDEN
from lrscope.lifecycle.recorded import Recorded
from lrscope.runs.surroundings import environment, uncommitted_changes
from lrscope.tracking.origin import origin_tags

NOT_HERE = "(not here)"
FROM_DATA = ("steps_per_epoch", "total_steps")
"""Keys that the data decides, which is compared by its digest."""
MOST_PACKAGES = 20


@dataclass(frozen=True)
class Difference:
    """``key`` was ``then`` and is ``now``."""

    key: str
    then: str
    now: str

    def __str__(self) -> str:
        return f"{self.key}: {self.then} -> {self.now}"


def config_differences(run: Recorded, here: Mapping[str, Any]) -> list[tuple[str, Any, Difference]]:
    """The keys of the run's config that compose to something else here, with the value that the run had.

    Args:
        here: the resolved config of the same words.
    """
    then, now = relevant(run.config), relevant(here)
    return [
        (key, value, Difference(key, _shown(value), _shown(now[key]) if key in now else NOT_HERE))
        for key, value in then.items()
        if key not in FROM_DATA and value != HIDDEN and (key not in now or not _equal(value, now[key]))
    ]


def words_for(differences: list[tuple[str, Any, Difference]]) -> list[str]:
    """Overrides that set these keys to what the run had."""
    return [f"{'++' if d.now == NOT_HERE else ''}{key}={_as_override(value)}" for key, value, d in differences]


def environment_differences(run: Recorded) -> Iterator[Difference]:
    """Packages of other versions, those that were there and are not here, Python and platform."""
    then, now = _packages(run.environment), _packages(environment())
    for name in sorted(then):
        if then[name] != now.get(name):
            yield Difference(name, then[name], now.get(name, NOT_HERE))


def code_differences(run: Recorded) -> Iterator[Difference]:
    """Commit, and what was not committed."""
    here = origin_tags().get("mlflow.source.git.commit", "")
    if run.commit and run.commit != here:
        yield Difference("commit", run.commit[:12], here[:12] or NOT_HERE)
    if run.difference != uncommitted_changes():
        yield Difference("uncommitted changes", _lines(run.difference), _lines(uncommitted_changes()))


def _lines(difference: str) -> str:
    return f"{len(difference.splitlines())} lines" if difference else "none"


def _packages(listed: str) -> dict[str, str]:
    lines = [line(one) for one in listed.splitlines()]
    found = dict(one.split("==", 1) for one in lines if "==" in one)
    if lines and lines[0].startswith("#"):
        found["python, platform"] = lines[0].lstrip("# ")
    return found


def _equal(one: Any, other: Any) -> bool:
    return bool(json.dumps(one, default=str) == json.dumps(other, default=str))


def _shown(value: Any) -> str:
    return line(json.dumps(value, default=str))[:100]


def _as_override(value: Any) -> str:
    """A value in Hydra's grammar."""
    if isinstance(value, str):
        return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
    if isinstance(value, list):
        return "[" + ",".join(_as_override(one) for one in value) + "]"
    if isinstance(value, dict):
        return "{" + ",".join(f"{key}:{_as_override(one)}" for key, one in value.items()) + "}"
    return json.dumps(value)
