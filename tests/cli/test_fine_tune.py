"""A network trained on some digits and fine-tuned on others, as typed: rates of its head and body, a frozen body."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from command_line import Typed, type_command
from mlflow.entities import Run

SHORT = ("model.hidden=[8,6]", "epochs=2", "batch_size=128", "trainer=cpu", "tracking.log_model=none")
OTHERS = ("dataset.classes=[5,6,7,8,9]", "sweep.together=always", *SHORT)
HEADS, BODIES = (0.01, 0.003), (0.001, 0.0003, 0.0001)
HEAD, BODY = "optimizer.groups.head.lr", "optimizer.groups.body.lr"


@pytest.fixture(scope="module")
def pretrained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Typed, str]:
    done = type_command(tmp_path_factory.mktemp("tuned"), "dataset.classes=[0,1,2,3,4]", *SHORT, store=True)
    assert done.code == 0, done.err
    (run,) = done.runs()
    return done, run.info.run_id


@pytest.fixture(scope="module")
def crossed(pretrained: tuple[Typed, str]) -> Typed:
    rates = (f"{HEAD}={','.join(map(str, HEADS))}", f"{BODY}={','.join(map(str, BODIES))}")
    words = (f"model.checkpoint={pretrained[1]}", "model.fresh_head=true", *rates, "scheduler=cosine")
    done = type_command(pretrained[0].root, "-m", *words, *OTHERS)
    assert done.code == 0, done.err
    return done


def members(typed: Typed, **params: str) -> list[Run]:
    found = [run for run in typed.runs() if run.data.tags["lrscope.kind"] == "member"]
    return [run for run in found if all(run.data.params.get(key) == value for key, value in params.items())]


def weights(typed: Typed, run: Run) -> dict[str, torch.Tensor]:
    return torch.load(typed.artifact(run, "checkpoints/best.ckpt"), weights_only=True)["state_dict"]


def test_each_pair_of_rates_is_a_member_that_is_trained_with_the_others_and_records_both(crossed: Typed) -> None:
    pairs = set()
    for run in (run for run in members(crossed) if HEAD in run.data.params):
        head, body = float(run.data.params[HEAD]), float(run.data.params[BODY])
        pairs.add((head, body))
        own, other = crossed.curve(run, "lr/head"), crossed.curve(run, "lr/body")
        assert (own[0], other[0]) == (head, body), "to the last bit"
        assert len(own) > 2 and own.keys() == other.keys(), "each moves by the schedule"
        assert [own[k] / head for k in own] == pytest.approx([other[k] / body for k in own], rel=1e-12)
        assert run.data.tags["lrscope.together"] == "true"
    assert pairs == {(head, body) for head in HEADS for body in BODIES}


def test_the_report_has_both_rates_as_axes(crossed: Typed) -> None:
    (parent,) = [run for run in crossed.runs() if run.data.tags["lrscope.kind"] == "sweep"]
    told = json.loads(crossed.artifact(parent, "report/members.json").read_text())
    assert {told["axis"], *(cell["group"].partition("=")[0] for cell in told["cells"])} == {HEAD, BODY}
    assert {(member[HEAD], member[BODY]) for member in told["members"]} == {
        (head, body) for head in HEADS for body in BODIES
    }
    page = crossed.artifact(parent, "report/report.html").read_text()
    assert HEAD in page and BODY in page


def test_a_frozen_body_is_the_one_that_was_trained_and_the_heads_are_new(pretrained: tuple[Typed, str]) -> None:
    typed, first = pretrained
    words = (f"model.checkpoint={first}", "model.fresh_head=true", "optimizer.groups.body.freeze=true")
    done = type_command(typed.root, "-m", *words, "lr=0.02,0.002", *OTHERS)
    assert done.code == 0, done.err
    before = weights(typed, typed.client.get_run(first))
    for run in members(typed, **{"optimizer.groups.body.freeze": "True"}):
        assert run.data.tags["lrscope.together"] == "true"
        after = weights(typed, run)
        same = {name for name, tensor in after.items() if torch.equal(tensor, before[name])}
        assert same == {name for name in before if "layers.5" not in name}, "all but the head"


def test_a_head_of_the_same_size_is_taken_and_that_is_told(pretrained: tuple[Typed, str]) -> None:
    done = type_command(
        pretrained[0].root, "--dry-run", "-m", f"model.checkpoint={pretrained[1]}", "lr=0.1,0.01", *OTHERS
    )
    assert done.code == 0, done.err
    assert "its head is taken as well" in done.out + done.err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("optimizer.groups.mine={match:layer.5}", "lr=0.1,0.01"), ("matches no parameter", "layers.5")),
        (
            ("optimizer.groups.a={match:layers.5}", "optimizer.groups.b={match:'*.bias'}", "lr=0.1,0.01"),
            ("layers.5.bias, which a matches too",),
        ),
        (("model.checkpoint=nowhere.ckpt", "lr=0.1,0.01"), ("no such file and no such run",)),
        (("model.fresh_head=true", "lr=0.1,0.01"), ("no model.checkpoint",)),
        ((f"{HEAD}=0.1", f"{BODY}=0.1", "lr=0.1,0.01"), ("every parameter that is trained has the rate of its group",)),
    ],
)
def test_what_cannot_be_is_refused_before_anything_trains(
    tmp_path: Path, words: tuple[str, ...], told: tuple[str, ...]
) -> None:
    done = type_command(tmp_path, "-m", *words, *SHORT)
    assert done.code == 2
    assert all(part in done.err for part in told), done.err
    assert len(done.err.strip().splitlines()) <= 3 and not done.runs()
