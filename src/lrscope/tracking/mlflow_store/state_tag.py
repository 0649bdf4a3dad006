"""What only the program reads of a run, in one tag: MLflow's page shows a person the tags, and most were not for them.

A run is recorded, delivered from its journal and read by the same names as ever, ``lrscope.fingerprint`` and so on.
They are folded into ``lrscope.state`` where they go into a store (``runs.create_run``, ``beside_stored``,
``active_run``), and unfolded where they come out of one (``checked_client``). Runs of earlier versions have a tag for
each, which is read as it always was; where a run has both, the state is what was written last.

Whoever writes the tag reads it first, so it has one writer: who delivers the run's journal, under the journal's lock.
Tags of their own therefore stay what somebody else writes, and what a store is searched for:

    local_id, parent_local_id, kind    searched: a run is found by its id, members are hung below their parent, those
                                       that say RUNNING are looked through for dead ones
    sweep                              searched by users; a parent that is delivered late writes it to its members
    heartbeat                          written every minute, beside whatever is delivered
    diagnosis, verdict, why, the note  ``diagnose`` and the report write them; read by people
    cleaned, cleaned_members           searched; ``clean`` writes them
    reproduces, found_by, pruned, find, resumed_otherwise, replayed     read by people
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from lrscope.core.from_store import entries, parsed, text
from lrscope.core.tag_length import TAG_LENGTH

STATE = "lrscope.state"
VERSION = 1

_PREFIX = "lrscope."
_NAMES = (
    *("fingerprint", "facts", "best", "steps", "seconds", "together", "trials", "session", "origin"),
    *("process.machine", "process.boot", "process.namespace", "process.pid", "process.started"),
    *("axes", "planned", "searched", "search", "together.choices", "confirm", "overrides"),
)
_MORE_WORDS = "overrides."
"""A long command has several tags (:mod:`lrscope.core.stored_command`)."""


def folded(tags: Mapping[str, str], stored: Mapping[str, str]) -> dict[str, str]:
    """The tags to write: what is the program's in one. What does not fit into it, the longest first, stays as it is.

    Args:
        tags: by the names that they are recorded by.
        stored: the run's tags in the store; empty for a new run.
    """
    state = {name.removeprefix(_PREFIX): _plain(value) for name, value in tags.items() if is_state(name)}
    if not state:
        return dict(tags)
    state = {**_entries(stored), **state}
    beside = {name: value for name, value in tags.items() if not is_state(name)}
    while len(words := _written({"version": VERSION, **state})) > TAG_LENGTH:
        longest = max(state, key=lambda name: len(_written(state[name])))
        beside[_PREFIX + longest] = _as_recorded(state.pop(longest))
    return {**beside, STATE: words}


def unfolded(tags: Mapping[str, str]) -> dict[str, str]:
    """A run's tags by the names that they were recorded by; of the state only what belongs there."""
    return {**tags, **{_PREFIX + name: text(_as_recorded(value)) for name, value in _entries(tags).items()}}


def _entries(tags: Mapping[str, str]) -> dict[str, Any]:
    stored = entries(tags.get(STATE))
    if stored.get("version") != VERSION:
        return {}
    return {name: value for name, value in stored.items() if is_state(_PREFIX + name)}


def is_state(name: str) -> bool:
    """Whether a tag that is recorded by this name is the program's alone."""
    short = name.removeprefix(_PREFIX)
    more = short.removeprefix(_MORE_WORDS)
    return short != name and (short in _NAMES or (more != short and more.isdecimal()))


def _plain(value: str) -> Any:
    """A tag that is JSON stays readable within JSON."""
    found = parsed(value)
    return found if isinstance(found, dict | list) else value


def _as_recorded(value: Any) -> str:
    return value if isinstance(value, str) else _written(value)


def _written(value: Any) -> str:
    try:
        return json.dumps(value, separators=(",", ":"))
    except RecursionError:  # nested deeper than anything of ours
        return ""
