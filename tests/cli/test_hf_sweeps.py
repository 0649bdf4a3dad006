"""Pretrained networks of transformers, fine-tuned as typed: heads on a frozen body, rates of head and body."""

from __future__ import annotations

import json
import shutil

import pytest
import torch
from command_line import HERE, Typed, type_command
from mlflow.entities import Run
from test_recipes import typed_commands

from lrscope.training.head_and_body import part_of
from saved_networks import save_networks

pytest.importorskip("transformers", reason="transformers is not installed: pip install 'lrscope[text]'")

from lrscope.models.hf import HF

pytestmark = pytest.mark.extras

DATA = ("dataset=sequences", "dataset.path=reviews.csv", "dataset.target=mood", "dataset.length=8", "batch_size=16")
SHORT = ("epochs=1", "trainer=cpu", "sweep.report=false", "sweep.together=always")
HEAD, BODY = "optimizer.groups.head.lr", "optimizer.groups.body.lr"
NAMED = ("model=hf", "model.name=tiny")
TOKENS = ("dataset.tokenizer=tiny",)
OF_RECIPES = [words for words in typed_commands() if "model=hf" in words]
COMMANDS = {
    "heads": ("-m", *DATA, *TOKENS, *NAMED, "optimizer.groups.body.freeze=true", "lr=0.03,0.003", *SHORT),
    "head and body": ("-m", *DATA, *NAMED, f"{HEAD}=0.01,0.001", f"{BODY}=0.001,0.0001", *SHORT),
    "again": ("-m", *DATA, *NAMED, f"{HEAD}=0.01,0.001", f"{BODY}=0.001,0.0001", *SHORT, "resume=latest"),
    **{f"recipe {number}": (*words, *SHORT) for number, words in enumerate(OF_RECIPES)},
    "one": (*DATA, *TOKENS, *NAMED, "lr=0.01", "experiment_name=one", *SHORT[:2]),
    "too many words": (*DATA[:1], "dataset.path=wide.csv", *DATA[2:], *NAMED, *SHORT[:2]),
    "no folder": (*DATA, "model=hf", "model.name=./nowhere", *SHORT[:2]),
}


@pytest.fixture(scope="module")
def typed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Typed, dict[str, dict[str, str]]]:
    """All commands in one fresh process, started in the folder of the saved networks."""
    place = tmp_path_factory.mktemp("typed")
    (folder := place / "desk").mkdir()
    for name, different in (("reviews", 15), ("wide", 80)):
        rows = [f"it was {('good', 'bad')[k % 2]} {k % different},{('up', 'down')[k % 2]}" for k in range(80)]
        (folder / f"{name}.csv").write_text("\n".join(["text,mood", *rows]))
    save_networks(folder)
    shutil.copytree(folder / "tiny", folder / "distilbert-base-uncased")
    (place / "commands.json").write_text(
        json.dumps([[*words, "callbacks.progress=none"] for words in COMMANDS.values()])
    )
    program = [str(HERE / "type_many.py")]
    done = type_command(place / "root", str(place / "commands.json"), program=program, cwd=folder, store=True)
    assert done.code == 0, done.err
    return done, dict(zip(COMMANDS, json.loads(done.out), strict=True))


def members(typed: Typed, key: str) -> list[Run]:
    """Of the sweeps with ``tiny``, those that set that key."""
    runs = [run for run in typed.runs() if run.data.tags["lrscope.kind"] == "member"]
    return [run for run in runs if key in run.data.params and run.data.params["model.name"].endswith("/tiny")]


def weights(typed: Typed, run: Run) -> dict[str, torch.Tensor]:
    state = torch.load(typed.artifact(run, "checkpoints/best.ckpt"), weights_only=True)["state_dict"]
    return {name.removeprefix("network."): tensor for name, tensor in state.items()}


def test_heads_on_a_frozen_body(typed: tuple[Typed, dict[str, dict[str, str]]]) -> None:
    done, answers = typed
    folder = done.root.parent / "desk"
    assert answers["heads"]["code"] == 0, answers["heads"]["err"]
    assert f"model.name={folder / 'tiny'}: its weights have no bert.pooler.dense, classifier" in answers["heads"]["out"]
    assert "own vocabulary" not in answers["heads"]["out"]
    found = members(done, "optimizer.groups.body.freeze")
    assert len(found) == 2
    saved = HF((8,), 2, vocabulary=18, padding=0, name=str(folder / "tiny"))
    before, body = saved.state_dict(), part_of(saved, "body")
    for run in found:
        assert run.data.tags["lrscope.together"] == "true"
        assert {"train/loss_eval", "val/loss", "val/acc"} <= run.data.metrics.keys()
        after = weights(done, run)
        same = {name for name, _ in saved.named_parameters() if torch.equal(after[name], before[name])}
        assert same == body, "all but the head has moved"


def test_head_and_body_have_rates_of_their_own(typed: tuple[Typed, dict[str, dict[str, str]]]) -> None:
    done, answers = typed
    assert answers["head and body"]["code"] == 0, answers["head and body"]["err"]
    assert "the token ids are those of the data's own vocabulary" in answers["head and body"]["out"]
    pairs = set()
    for run in members(done, HEAD):
        assert run.data.tags["lrscope.together"] == "true" and run.data.tags["lrscope.verdict"]
        rates = {part: set(done.curve(run, f"lr/{part}").values()) for part in ("head", "body")}
        assert rates == {"head": {float(run.data.params[HEAD])}, "body": {float(run.data.params[BODY])}}
        pairs.add((run.data.params[HEAD], run.data.params[BODY]))
    assert len(pairs) == 4
    assert answers["again"]["code"] == 0 and "4 of its 4 members are done" in answers["again"]["out"]


@pytest.mark.filterwarnings("ignore")  # MLflow's, of its own types
def test_a_packed_network_answers_texts(typed: tuple[Typed, dict[str, dict[str, str]]]) -> None:
    import mlflow.pyfunc
    import pandas as pd

    done, answers = typed
    assert answers["one"]["code"] == 0, answers["one"]["err"]
    (run,) = [run for run in done.runs() if run.data.tags["lrscope.kind"] == "run"]
    (packed,) = done.client.search_logged_models([run.info.experiment_id])
    said = mlflow.pyfunc.load_model(packed.artifact_location).predict(pd.DataFrame({"text": ["it was good 3"]}))
    network = HF((8,), 2, vocabulary=18, padding=0, name=str(done.root.parent / "desk" / "tiny")).eval()
    network.load_state_dict(weights(done, run))
    shares = network(torch.tensor([[2, 4, 5, 6, 11, 3, 0, 0]])).softmax(1)[0]
    assert (said["class"][0], said["probability"][0]) == (
        ("down", "up")[int(shares.argmax())],
        pytest.approx(float(shares.max()), abs=1e-5),
    )


def test_the_recipes_train(typed: tuple[Typed, dict[str, dict[str, str]]]) -> None:
    assert len(OF_RECIPES) == 3
    for number in range(len(OF_RECIPES)):
        answer = typed[1][f"recipe {number}"]
        assert answer["code"] == 0, answer["err"]
        assert "starts anew" in answer["out"] and "own vocabulary" not in answer["out"]


@pytest.mark.parametrize(
    ("what", "words"),
    [("too many words", "the network knows 40 token ids, the data has "), ("no folder", "there is no such folder")],
)
def test_a_command_that_cannot_be_is_one_line(
    typed: tuple[Typed, dict[str, dict[str, str]]], what: str, words: str
) -> None:
    answer = typed[1][what]
    assert answer["code"] == 2
    (line,) = [line for line in answer["err"].splitlines() if line.startswith("error: ")]
    assert words in line and "Traceback" not in answer["err"]
