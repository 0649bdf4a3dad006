from __future__ import annotations

import json
import os
import sys
import threading
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
import yaml
from recorded_runs import record, run_of, start

from lrscope.config.typed_secrets import secrets_typed, secrets_typed_for_hydra
from lrscope.core.errors import Problem, StoreUnreachable
from lrscope.core.redact import holds_a_password, keep_secrets_out_of_tracebacks, redact, redact_tree
from lrscope.tracking import TrackingSettings, open_session
from lrscope.tracking.mlflow_store.address import resolve_uri

PASSWORD = "hunter2secret"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"http://ada:{PASSWORD}@host:5000/x", "http://***@host:5000/x"),
        (f"postgresql+psycopg2://ada:{PASSWORD}@host/db", "postgresql+psycopg2://***@host/db"),
        ("https://host/x?token=abc&page=2", "https://host/x?token=***&page=2"),
        ("https://host/x?X-Amz-Signature=abc#f", "https://host/x?X-Amz-Signature=***#f"),
        ("https://host/x?page=2", "https://host/x?page=2"),
        ("sqlite:////data/mlflow.db", "sqlite:////data/mlflow.db"),
        ("write to ada@example.org", "write to ada@example.org"),
    ],
)
def test_uris_lose_their_secrets_and_nothing_else(text: str, shown: str) -> None:
    assert redact(text) == shown


def test_values_of_secret_variables_are_hidden_wherever_they_stand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", PASSWORD)
    monkeypatch.setenv("SOME_API_KEY", "short")
    assert redact(f"it is {PASSWORD}, in short") == "it is ***, in short"


@pytest.mark.parametrize(
    "name",
    [
        "PGPASSWORD",
        "MYSQL_PWD",
        "GITHUB_TOKEN",
        "AWS_SECRET_ACCESS_KEY",
        "openaiApiKey",
        "SERVICE_CREDENTIALS",
        "DB_PASSWD",
    ],
)
def test_names_of_secrets(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, PASSWORD)
    assert redact(f"a {PASSWORD} b") == "a *** b"


@pytest.mark.parametrize(
    "name", ["PWD", "OLDPWD", "TOKENIZERS_CACHE", "KEYBOARD_LAYOUT", "MONKEY", "SECRETARY", "PWDX"]
)
def test_names_that_only_look_like_it(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "/home/ada/project")
    assert redact("root: /home/ada/project/data") == "root: /home/ada/project/data"


@pytest.mark.parametrize("name", ["PROJECT_PWD", "GOOGLE_APPLICATION_CREDENTIALS", "TOKEN_FOLDERS", "SECRET_FILE"])
def test_a_path_that_exists_is_no_secret(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str) -> None:
    monkeypatch.setenv(name, f"{tmp_path}{os.pathsep}/tmp" if name.endswith("S") else str(tmp_path))
    assert redact(f"{tmp_path}/mlflow.db") == f"{tmp_path}/mlflow.db"


def test_a_word_that_is_also_a_folder_here_stays_secret(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / PASSWORD).mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DB_PASSWORD", PASSWORD)
    assert redact(PASSWORD) == "***"


def test_a_store_is_called_the_same_whatever_the_environment_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_TOKEN", "mlflow.db")
    assert resolve_uri("sqlite:////data/mlflow.db").shown == "sqlite:////data/mlflow.db"


def test_what_is_hidden_in_a_config_leaves_it_readable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DB_PASSWORD", PASSWORD)
    text = yaml.safe_dump(redact_tree({"a": {"b": [PASSWORD, 1]}, "c": f"x{PASSWORD}"}))
    assert yaml.safe_load(text) == {"a": {"b": ["***", 1]}, "c": "x***"}


def test_no_secret_reaches_spool_or_store(store_project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_API_KEY", PASSWORD)
    uri = f"http://ada:{PASSWORD}@host:5000"
    session = open_session(TrackingSettings(finish_timeout_s=20))
    log = session.start(start("secret", "s1", params={"tracking.uri": uri}, tags={"lrscope.overrides": f"[{uri}]"}))
    log.tags({"note": uri})
    log.params({"again": uri})
    log.text(f"key: {PASSWORD}\nuri: {uri}\n", "config.yaml")
    record(log, range(3))
    session.flush()
    assert PASSWORD not in (log.folder / "events.jsonl").read_text()
    assert session.close().words == ""
    from mlflow.tracking import MlflowClient

    client = MlflowClient(f"sqlite:///{store_project}/mlflow.db")
    run = run_of(client, "s1")
    assert run.data.params["tracking.uri"] == "http://***@host:5000"
    everything = [path.read_bytes() for path in store_project.rglob("*") if path.is_file()]
    assert not any(PASSWORD.encode() in content for content in everything)


def test_an_unreachable_store_is_named_without_its_password(project: Path) -> None:
    with pytest.raises(StoreUnreachable) as caught:
        open_session(TrackingSettings(uri=f"http://ada:{PASSWORD}@127.0.0.1:9", spool=project / "spool"))
    assert PASSWORD not in str(caught.value)
    assert "http://***@127.0.0.1:9" in str(caught.value)


def test_a_password_that_hydra_has_escaped_is_hidden_too() -> None:
    """In a sweep Hydra writes the overrides of a job with backslashes before ``:``."""
    told = redact(r"tracking.uri=postgresql+psycopg2\://mlf\:secretpw@127.0.0.1\:55491/direct")
    assert "secretpw" not in told and "mlf" not in told and "55491" in told
    assert "secretpw" not in redact(r"tracking.uri=http\://bob\:secretpw@127.0.0.1\:5000")


def test_a_password_is_told_from_a_name() -> None:
    told = "postgresql://anna:secretpw@db/mlflow", "http://host?token=abc", "http://:secretpw@host"
    assert all(holds_a_password(uri) for uri in told)
    assert not any(
        holds_a_password(uri) for uri in ("postgresql://anna@db/mlflow", "http://host:5000", "sqlite:///a:b@c")
    )


@pytest.mark.parametrize(
    "text",
    [
        *(
            "postgresql://ada:{}@host/db",
            "postgresql+psycopg2://ada:{}@host:5432/db?sslmode=require",
            "mysql://a:{}@h/d",
        ),
        *("POSTGRESQL://ada:{}@host/db", "could not connect to 'postgresql://ada:{}@host/db' in time"),
        *("https://host/x?%70assword={}&page=1", "postgresql://host/db?user=ada&password={}", "https://h/?api_key={}"),
        *("mssql+pyodbc:///?odbc_connect=DRIVER%3D%7BODBC%7D%3BPWD%3D{}", "DRIVER=x;UID=ada;PWD={};"),
        *("host=db user=ada password={} dbname=x", "host=db password='{}'", "PGPASSWORD={} psql", "MYSQL_PWD={}"),
        *('{{"user": "ada", "password": "{}"}}', "password: {}", "+dataset.password={}", "sslpassword = {}"),
        r"tracking.uri=postgresql+psycopg2\://ada\:{}@127.0.0.1\:5432/db?password\={}",
    ],
)
@pytest.mark.parametrize("password", ["hunter2", "p%40ss%2Fword", "p.w-d~1"])
def test_a_password_is_hidden_in_every_spelling(text: str, password: str) -> None:
    shown = redact(text.replace("{}", password).replace("{{", "{").replace("}}", "}"))
    assert password not in shown and "***" in shown


@pytest.mark.parametrize("password", ["pa/ss", "pa?ss", "pa#ss", "pa@ss", "p:a:s", "pa'ss", "pa ss", 'pa"ss'])
def test_what_sqlalchemy_takes_for_a_password_is_one(password: str) -> None:
    """Everything up to the ``@``, whatever a reader takes for the end of it."""
    uri = f"postgresql://ada:{password}@host/db"
    assert resolve_uri(uri).shown == "postgresql://***@host/db" and holds_a_password(uri)


@pytest.mark.parametrize(
    "spelt", ["{}", "{quoted}", "{plus}", r"p\@ss\ w\:rd/1\=", "FATAL: {} is wrong", 'dsn: "{quoted}"', '["x={json}"]']
)
@pytest.mark.parametrize("variable", ["MLFLOW_TRACKING_URI", "DB_PASSWORD", "DATABASE_URL"])
def test_a_password_of_the_environment_is_hidden_in_every_spelling(
    monkeypatch: pytest.MonkeyPatch, variable: str, spelt: str
) -> None:
    password = "p@ss w:rd/1="
    uri = f"postgresql://ada:{quote(password, safe='')}@host/db"
    monkeypatch.setenv(variable, password if variable == "DB_PASSWORD" else uri)
    text = (
        spelt.replace("{}", password)
        .replace("{quoted}", quote(password, safe=""))
        .replace("{plus}", quote_plus(password))
    )
    shown = redact(text.replace("{json}", json.dumps(password)[1:-1]).replace(r"\@", "@"))
    assert "ss" not in shown.replace("is", "").replace("pass", "") and "***" in shown


@pytest.mark.parametrize(
    "text",
    [
        *("max_tokens=128", "keyboard=us", "tokens: 3", "PWD=/home/ada", "monkey=1;key=2", "lr=0.1 seed=1"),
        *("http://host:5000/x@y", "password authentication failed for user", "sqlite:////data/a@b.db", "a;b=c"),
    ],
)
def test_what_only_looks_like_a_secret_stays(text: str) -> None:
    assert redact(text) == text


def test_a_user_called_as_the_password_does_not_blank_out_the_word(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on many a machine for trying things out."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "postgresql://mlflowuser:mlflowuser@host/mlflowuser")
    assert redact("experiment mlflowuser") == "experiment mlflowuser"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("tracking.uri", "postgresql://ada:hunter2secret@host/db"),
        ("dataset.path", "s3://key:hunter2secret@bucket/x"),
        ("dataset.extra", ["a", "https://host/x?token=hunter2secret"]),
        ("callbacks.extra", [{"_target_": "mine.Slack", "url": "https://u:hunter2secret@slack/x"}]),
        ("model.password", PASSWORD),
        ("model.x", "${oc.env:DB,postgresql://ada:hunter2secret@host/db}"),
    ],
)
def test_what_hydra_would_write_to_disk_is_refused(key: str, value: object) -> None:
    tree: dict[str, object] = {}
    group, _, last = key.partition(".")
    tree[group] = {last: value}
    (problem,) = secrets_typed(tree)
    assert problem.key.startswith(key) and PASSWORD not in str(problem) and "Hydra would write" in str(problem)


def test_a_reference_to_the_environment_is_no_secret() -> None:
    tree = {"dataset": {"password": "${oc.env:DB_PASSWORD}", "path": "${oc.env:DB}", "x": "http://host/x", "pwd": ""}}
    assert not [*secrets_typed(tree)]
    assert [
        p.key for p in secrets_typed_for_hydra({"job": {"env_set": {"PGPASSWORD": PASSWORD}}, "overrides": {}})
    ] == ["hydra.job.env_set.PGPASSWORD"]


def test_an_empty_part_of_a_config_is_looked_at_once() -> None:
    """Hydra's own config of every sweep holds some: ``hydra.job.env_set``."""
    assert not [*secrets_typed_for_hydra({"job": {"env_set": {}, "config": {"x": [{}]}}})]


def test_a_traceback_is_told_without_the_secret(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"postgresql://ada:{PASSWORD}@host/db")
    for hook in (sys, threading):
        monkeypatch.setattr(hook, "excepthook", hook.excepthook)
    keep_secrets_out_of_tracebacks()
    error = OSError(f"connection to postgresql://ada:{PASSWORD}@host/db failed: password={PASSWORD}")
    sys.excepthook(OSError, error, None)
    thread = threading.Thread(target=lambda: (_ for _ in ()).throw(error))
    thread.start()
    thread.join()
    told = capsys.readouterr().err
    assert told.count("OSError: connection to postgresql://***@host/db failed") == 2 and PASSWORD not in told
    assert PASSWORD not in str(Problem("a", f"http://ada:{PASSWORD}@host", "b", "c"))
