"""``lrscope register``: the recommended member becomes the champion, and a worse one does not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from mlflow import MlflowClient
from registered import champion, give_model, seeds, sweep_with_models, with_losses

from lrscope.cli.commands.entry import run
from lrscope.tracking.mlflow_store.store import quiet
from servers import Server
from stored_sweeps import diverged, store_sweep


@pytest.fixture
def uri(store_project: Path) -> str:
    return f"sqlite:///{store_project / 'mlflow.db'}"


def test_the_recommended_member_of_a_sweep_becomes_the_champion(uri: str, capsys: pytest.CaptureFixture[str]) -> None:
    runs = [with_losses(0.01, 0, 1.0, 0.8, 0.5), with_losses(0.001, 0, 1.5, 1.2, 1.0), diverged(10.0, 0)]
    parent, members = sweep_with_models(uri, runs)
    assert run("register", [parent, "digits", "--uri", uri]) == 0
    assert "digits version 1 is the champion: lr=0.01" in capsys.readouterr().out
    assert champion(uri, "digits") == members[0]
    (version,) = MlflowClient(uri).search_model_versions("name = 'digits'")
    assert version.tags["lrscope.verdict"] == "trained"
    assert version.tags["lrscope.sweep"] == parent
    assert version.tags["lrscope.metric"] == "val/loss 0.5 (one seed)"
    assert run("register", [parent, "digits", "--uri", uri]) == 0, "again: nothing new"
    assert len(MlflowClient(uri).search_model_versions("name = 'digits'")) == 1
    assert champion(uri, "digits", "previous") is None


def test_of_an_unfinished_sweep_only_the_member_that_is_named(uri: str, capsys: pytest.CaptureFixture[str]) -> None:
    parent, members = sweep_with_models(uri, [with_losses(0.01, 0, 1.0, 0.8, 0.5)], planned=3)
    assert run("register", [parent, "digits", "--uri", uri]) == 2
    said = capsys.readouterr().err
    assert "members of it have not ended" in said and f"Go on with it (resume={parent})" in said
    assert run("register", [members[0], "digits", "--uri", uri]) == 0


def test_the_metric_has_its_interval_over_seeds(uri: str) -> None:
    """0.49, 0.50, 0.51: mean 0.5, s = 0.01, t(0.975, 2) = 4.303: 0.5 ± 4.303 · 0.01 / sqrt(3) = 0.475 to 0.525."""
    parent, _ = sweep_with_models(uri, seeds(0.49, 0.50, 0.51))
    assert run("register", [parent, "digits", "--uri", uri]) == 0
    (version,) = MlflowClient(uri).search_model_versions("name = 'digits'")
    assert version.tags["lrscope.metric"] == "val/loss 0.5 (0.4752 to 0.5248 over 3 seeds)"


def test_what_is_worse_than_the_champion_beyond_noise_is_refused(uri: str, capsys: pytest.CaptureFixture[str]) -> None:
    first, members = sweep_with_models(uri, seeds(0.49, 0.50, 0.51))
    alike, within = sweep_with_models(
        uri, seeds(0.50, 0.51, 0.52)
    )  # 0.01 worse; t(4) · sqrt(2) · 0.01/sqrt(3) = 0.0227
    worse, beyond = sweep_with_models(uri, seeds(0.55, 0.56, 0.57))
    assert run("register", [first, "digits", "--uri", uri]) == 0
    capsys.readouterr()
    assert run("register", [worse, "digits", "--uri", uri]) == 2
    said = capsys.readouterr().err
    assert len(said.splitlines()) == 1
    assert "is worse than today's champion (version 1): val/loss 0.56" in said and "(0.023, 3 and 3 seeds)" in said
    assert champion(uri, "digits") in members
    assert run("register", [alike, "digits", "--uri", uri]) == 0, "within noise"
    assert champion(uri, "digits") in within and champion(uri, "digits", "previous") in members
    assert run("register", [worse, "digits", "--uri", uri, "--force"]) == 0
    assert champion(uri, "digits") in beyond and champion(uri, "digits", "previous") in within


def test_a_failed_run_and_one_without_a_model_are_refused(uri: str, capsys: pytest.CaptureFixture[str]) -> None:
    _, (good, bad) = store_sweep(uri, [with_losses(0.01, 0, 1.0, 0.8, 0.5), diverged(10.0, 0)])
    assert run("register", [good, "digits", "--uri", uri]) == 2
    assert "has left no model" in capsys.readouterr().err
    give_model(uri, bad)
    assert run("register", [bad, "digits", "--uri", uri]) == 2
    said = capsys.readouterr().err
    assert "diverged" in said and len(said.splitlines()) == 1
    assert not MlflowClient(uri).search_registered_models()
    assert run("register", [bad, "digits", "--uri", uri, "--force"]) == 0
    assert champion(uri, "digits") == bad


@pytest.mark.parametrize("name", ["a/b", "a:b", "a@b", " ", "", "two\nlines", "a\tb", "it's", 'a"b', "..", "x" * 251])
def test_a_name_that_no_address_can_hold_is_refused(name: str, uri: str) -> None:
    parent, _ = sweep_with_models(uri, seeds(0.5))
    assert run("register", [parent, name, "--uri", uri]) == 2


def test_a_champion_of_which_nothing_is_known_is_not_replaced_by_chance(
    uri: str, capsys: pytest.CaptureFixture[str]
) -> None:
    parent, (member,) = sweep_with_models(uri, seeds(0.5))
    client = MlflowClient(uri)
    client.create_registered_model("digits")
    version = client.create_model_version("digits", "s3://bucket/model", member)
    client.set_registered_model_alias("digits", "champion", version.version)
    assert run("register", [parent, "digits", "--uri", uri]) == 2
    assert "has no score" in capsys.readouterr().err
    assert run("register", [parent, "digits", "--uri", uri, "--force"]) == 0
    numbers = client.get_registered_model("digits").aliases
    assert {alias: str(number) for alias, number in numbers.items()} == {"previous": "1", "champion": "2"}


def test_a_run_that_has_not_ended_or_whose_model_was_deleted_is_refused(
    uri: str, capsys: pytest.CaptureFixture[str]
) -> None:
    parent, (member,) = sweep_with_models(uri, seeds(0.5))
    client = MlflowClient(uri)
    for status in ("RUNNING", "KILLED"):
        client.update_run(member, status=status)
        assert run("register", [member, "digits", "--uri", uri]) == 2
        assert f"has not come to its end: MLflow has it as {status}" in capsys.readouterr().err
    client.update_run(member, status="FINISHED")
    (output,) = client.get_run(member).outputs.model_outputs
    client.delete_logged_model(output.model_id)
    assert run("register", [parent, "digits", "--uri", uri]) == 2
    assert "has left no model" in capsys.readouterr().err


def test_a_champion_that_was_deleted_is_none(uri: str, capsys: pytest.CaptureFixture[str]) -> None:
    best, _ = sweep_with_models(uri, seeds(0.5))
    worse, (second,) = sweep_with_models(uri, seeds(0.9))
    assert run("register", [best, "our digits", "--uri", uri]) == 0
    assert "serve.py 'our digits'" in capsys.readouterr().out
    MlflowClient(uri).delete_model_version("our digits", "1")
    assert run("register", [worse, "our digits", "--uri", uri]) == 0
    assert champion(uri, "our digits") == second and champion(uri, "our digits", "previous") is None
    MlflowClient(uri).delete_registered_model("our digits")
    assert run("register", [best, "our digits", "--uri", uri]) == 0


def test_a_servers_registry_is_asked_the_same_way(mlflow_server: Server) -> None:
    """Over HTTP, with a model that the server keeps; it then loads by the name of its champion."""
    with quiet():  # MLflow warns of its own type hints
        import mlflow.pyfunc

    uri = mlflow_server.uri
    parent, (member,) = sweep_with_models(uri, seeds(0.5), experiment="registered")
    assert run("register", [parent, "of-a-server", "--uri", uri]) == 0
    assert champion(uri, "of-a-server") == member
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(uri)
    try:
        with quiet():
            loaded = mlflow.pyfunc.load_model("models:/of-a-server@champion")
            assert loaded.predict(np.zeros((1, 3), np.float32)).shape == (1, 2)
    finally:
        mlflow.set_tracking_uri(before)
