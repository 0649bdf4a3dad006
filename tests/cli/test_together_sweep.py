"""A sweep trained together leaves in MLflow what the same sweep leaves when its members train one by one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command_line import HERE, Typed, type_command
from mlflow.entities import Run

SWEEP = ("-m", "lr=0.01,0.3,1e6", "seed=0,1", "optimizer=sgd", "epochs=2", "trainer=cpu", "trainer.precision=64-true")

MODULES = HERE.parent / "batched"


@pytest.fixture(
    scope="module", params=[(), ("model._target_=lit_modules.Lit",)], ids=["a network", "a LightningModule"]
)
def ways(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Typed]:
    typed = {}
    for together in ("always", "never"):
        root = tmp_path_factory.mktemp(together)
        typed[together] = type_command(
            *(root, *SWEEP, *request.param, "hydra/launcher=together", f"sweep.together={together}"),
            path=MODULES,
            store=True,
        )
        assert typed[together].code == 0, typed[together].err
    return typed


def _members(typed: Typed) -> dict[str, Run]:
    runs = [run for run in typed.runs() if run.data.tags["lrscope.kind"] == "member"]
    return {run.info.run_name: run for run in runs}


def test_the_command_says_what_it_does(ways: dict[str, Typed]) -> None:
    assert "6 members train together" in ways["always"].out
    assert "train together" not in ways["never"].out


def test_every_point_of_every_member_is_the_same(ways: dict[str, Typed]) -> None:
    stacked, alone = _members(ways["always"]), _members(ways["never"])
    assert stacked.keys() == alone.keys()
    assert len(stacked) == 6
    for name, run in alone.items():
        assert stacked[name].data.metrics.keys() == run.data.metrics.keys()
        for key in run.data.metrics:
            expected, found = ways["never"].curve(run, key), ways["always"].curve(stacked[name], key)
            assert found.keys() == expected.keys(), (name, key)
            near = 1e-6 if key.startswith(("dead_units", "output_spread")) else 1e-9
            assert found == pytest.approx(expected, rel=near, abs=near, nan_ok=True), (name, key)


def test_params_tags_status_and_artifacts_are_the_same(ways: dict[str, Typed]) -> None:
    stacked, alone = _members(ways["always"]), _members(ways["never"])
    for name, run in alone.items():
        mine = stacked[name]
        different = ("sweep.together", "tracking.spool")
        assert {k: v for k, v in mine.data.params.items() if k not in different} == {
            k: v for k, v in run.data.params.items() if k not in different
        }
        assert mine.info.status == run.info.status
        assert ways["always"].artifacts(mine) == ways["never"].artifacts(run)
        for key in ("lrscope.verdict", "lrscope.why", "lrscope.steps", "lrscope.facts", "mlflow.note.content"):
            assert mine.data.tags[key] == run.data.tags[key], (name, key)
        assert mine.data.tags.keys() == run.data.tags.keys()
        assert (mine.data.tags["lrscope.together"], run.data.tags["lrscope.together"]) == ("true", "false")
    assert {run.info.status for run in alone.values()} == {"FINISHED", "FAILED"}


def test_every_job_has_its_folder(ways: dict[str, Typed]) -> None:
    def files(typed: Typed) -> set[Path]:
        (sweep,) = {path.parent for path in typed.root.glob("outputs/*/*/sweep.json")}
        return {path.relative_to(sweep) for path in sweep.rglob("*") if path.is_file()}

    assert files(ways["always"]) == files(ways["never"])


def test_the_choice_is_written_on_the_parent(ways: dict[str, Typed]) -> None:
    (parent,) = [run for run in ways["always"].runs() if run.data.tags["lrscope.kind"] == "sweep"]
    (choice,) = json.loads(parent.data.tags["lrscope.together.choices"]).values()
    assert choice["together"] is True
    assert choice["members"] == 6
