"""``lrscope check`` on stored runs, as somebody types it in CI; and on real trainings, planted and not."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from mlflow import MlflowClient
from seeded_sweeps import seeded

from lrscope.cli.commands import entry
from lrscope.report.analysis.regression import Side, judge
from lrscope.report.check_stored import side_of
from lrscope.report.data.connect import connect
from processes import run_program
from stored_sweeps import store_sweep

Check = Callable[..., int]


@pytest.fixture
def uri(store_project: Path) -> str:
    return f"sqlite:///{store_project / 'mlflow.db'}"


@pytest.fixture
def check(uri: str) -> Check:
    return lambda *words: entry.run("check", [*words, "--uri", uri], "lrscope check")


def seeds_of(uri: str, loss: float, seeds: range, rate: float = 0.01, **more: bool) -> tuple[str, list[str]]:
    runs = [seeded(rate, seed, loss, **more) for seed in seeds]
    return store_sweep(uri, runs, axes=("seed",), overrides=("seed=0,1,2",))


def test_a_sweep_against_a_sweep(uri: str, check: Check, capsys: pytest.CaptureFixture[str]) -> None:
    before, _ = seeds_of(uri, 0.3, range(5))
    seeds_of(uri, 0.3, range(10, 15))
    assert check("--baseline", before) == 0
    assert capsys.readouterr().out.startswith("no worse: val/loss 0.")
    after, _ = seeds_of(uri, 0.6, range(20, 25))
    assert check("--baseline", before[:12]) == 3
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("worse: val/loss 0.") and said[1] == "candidate lr=0.01; baseline lr=0.01"
    assert check("--baseline", before, after, "--json") == 3
    told = json.loads(capsys.readouterr().out)
    assert told["exit_code"] == 3 and told["check"]["worse"] and told["check"]["candidate"]["seeds"] == 5
    assert told["check"]["low"] > told["check"]["allowed"] > 0


def test_a_sweep_over_rates_stands_for_its_best_and_a_member_for_its_own(uri: str, check: Check) -> None:
    runs = [seeded(rate, seed, loss) for rate, loss in ((0.01, 0.3), (0.1, 0.9)) for seed in range(5)]
    before, members = store_sweep(uri, runs, axes=("lr", "seed"))
    after, _ = seeds_of(uri, 0.5, range(5))
    assert check("--baseline", before, after) == 3
    assert check("--baseline", members[-1], after) == 0, "lr=0.1, over its five seeds"


def test_lone_runs_are_the_seeds_of_one_setting(uri: str, check: Check) -> None:
    before, _ = seeds_of(uri, 0.3, range(5))
    client, (_, members) = MlflowClient(uri), seeds_of(uri, 0.6, range(30, 33))
    for run_id in members:
        client.delete_tag(run_id, "mlflow.parentRunId")
    assert check("--baseline", before, *members) == 3
    assert check("--baseline", members[0], before) == 2, "one seed"
    assert check("--baseline", members[0], before, "--tolerance", "0.1") == 0


def test_an_alias_of_the_registry_names_the_setting_of_its_run(uri: str, check: Check) -> None:
    _, members = seeds_of(uri, 0.3, range(5))
    client = MlflowClient(uri)
    client.create_registered_model("signs")
    client.create_model_version("signs", f"runs:/{members[2]}/model", members[2])
    client.set_registered_model_alias("signs", "champion", "1")
    after, _ = seeds_of(uri, 0.6, range(20, 25))
    assert check("--baseline", "signs@champion", after) == 3
    assert check("--baseline", "models:/signs@champion", after, "--tolerance", "3") == 0
    assert check("--baseline", "signs@nobody", after) == 2


def test_what_cannot_be_compared_is_told_in_a_line(uri: str, check: Check, capsys: pytest.CaptureFixture[str]) -> None:
    before, members = seeds_of(uri, 0.3, range(5))
    few, _ = seeds_of(uri, 0.3, range(2))
    MlflowClient(uri).update_run(members[1], "RUNNING")
    for words, said in (
        ((few, before), f"run={members[1]}: has not come to its end: it is running. Wait for it"),
        ((few, few), "is in the baseline too"),
        ((few,), "is the baseline itself"),
        ((before, few, "--tolerance", "-1"), "--tolerance=-1: must be a share from 0 on"),
        (("f" * 32,), "has no such run"),
    ):
        assert check("--baseline", *words) == 2
        shown = capsys.readouterr()
        assert said in shown.err and len(shown.err.splitlines()) == 1 and not shown.out


@pytest.mark.long
@pytest.mark.timeout(600)
def test_a_planted_regression_is_found_20_times_of_20_and_noise_never(tmp_path: Path) -> None:
    """Real trainings of 100 seeds each, as 20 checks of five seeds against five others; planted is a rate too low."""
    baseline, planted = (_trained(tmp_path, rate) for rate in ("0.01", "0.003"))
    part = [range(5 * number, 5 * number + 5) for number in range(20)]
    pairs = [(part[number], part[(number + 1) % 20]) for number in range(20)]
    noise = [judge(_of(baseline, first), _of(baseline, second)).worse for first, second in pairs]
    found = [judge(_of(baseline, first), _of(planted, second)).worse for first, second in pairs]
    assert (sum(noise), sum(found)) == (0, 20)


def _trained(root: Path, rate: str) -> Side:
    seeds = ",".join(map(str, range(100)))
    words = ["-m", "dataset=digits", "epochs=3", f"lr={rate}", f"seed={seeds}", f"experiment_name=rate{rate}"]
    words += ["sweep.together=always", "sweep.report=false", "tracking.log_model=none", "callbacks.look_ahead=false"]
    own = {"LRSCOPE_ROOT": str(root), "OMP_NUM_THREADS": "1", "LRSCOPE_TRIAL_SECONDS": "0"}
    done = run_program([str(Path(__file__).parents[2] / "train.py"), *words], root, own)
    assert done.returncode == 0, done.stderr
    client = connect(f"sqlite:///{root / 'mlflow.db'}")
    (experiment,) = client.search_experiments(filter_string=f"name = 'rate{rate}'")
    (parent,) = client.search_runs([experiment.experiment_id], "tags.`lrscope.kind` = 'sweep'")
    return side_of(client, [parent.info.run_id])


def _of(side: Side, seeds: range) -> Side:
    return replace(side, rows=tuple(row for row in side.rows if row.member.seed in seeds))
