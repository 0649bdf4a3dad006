"""A signal that comes when a run has trained to its end, and copies of it train on: its verdict rests on them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from torture.commands import MEMORY, RATES, Place, train
from torture.contents import runs_of
from torture.twins import compare

STRIKE = str(Path(__file__).with_name("strike_while_probing.py"))
COMMANDS = {
    "single": ("lr=0.1", *MEMORY),
    "batched": (*RATES, *MEMORY, "sweep.together=always", "sweep.report=false"),
}


@pytest.mark.parametrize("way", [pytest.param("single", marks=pytest.mark.long), "batched"])
def test_run_is_interrupted_and_the_resume_makes_up_for_what_its_copies_show(
    way: str, tmp_path: Path, fresh_database: Path
) -> None:
    places = [Place.local(tmp_path / name) for name in ("undisturbed", "struck")]
    for place in places:
        shutil.copy(fresh_database, place.database)
    undisturbed, struck = places
    assert train(undisturbed, *COMMANDS[way], program=(STRIKE, "nowhere")).code == 0
    twin = runs_of(undisturbed.database, undisturbed.folder, undisturbed.store)
    assert any(key.startswith("ahead/") for runs in twin.values() for run in runs for key, _ in run.points)

    done = train(struck, *COMMANDS[way], program=(STRIKE, way))
    assert done.code == 130, done.output
    after_signal = runs_of(struck.database, struck.folder, struck.store)
    assert {run.status for runs in after_signal.values() for run in runs} == {"KILLED"}
    assert not any(run.models for runs in after_signal.values() for run in runs), "another may turn out the best"

    resumed = train(struck, *COMMANDS[way], "resume=latest", program=(STRIKE, "nowhere"))
    assert resumed.code == 0, resumed.output
    differences = compare(runs_of(struck.database, struck.folder, struck.store), twin)
    assert differences.none, f"{differences}\n{done.output}\n{resumed.output}"
