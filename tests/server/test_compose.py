"""``docs/compose.yaml``: a whole file for Docker, with the settings of ``lrscope server`` and no password in it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
FILE = ROOT / "docs" / "compose.yaml"
NEEDED = {"POSTGRES_PASSWORD": "one of our own", "S3_USER": "anna", "S3_PASSWORD": "another one"}


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return yaml.safe_load(FILE.read_text())


def test_services_name_only_what_is_there(compose: dict[str, Any]) -> None:
    services = compose["services"]
    for name, service in services.items():
        assert ("image" in service) != ("build" in service), name
        assert set(service.get("depends_on", ())) <= set(services), name
        named = {str(volume).partition(":")[0] for volume in service.get("volumes", ())}
        assert named <= set(compose["volumes"]), name
    assert services["server"]["environment"]["MLFLOW_S3_ENDPOINT_URL"] == "http://store:9000"
    assert "@database/mlflow" in services["server"]["environment"]["MLFLOW_BACKEND_STORE_URI"]


def test_nothing_listens_beyond_this_machine_and_no_password_is_in_it(compose: dict[str, Any]) -> None:
    ports = [port for service in compose["services"].values() for port in service.get("ports", ())]
    assert ports == ["127.0.0.1:5000:5000"]
    taken = set(re.findall(r"\$\{(\w+)", FILE.read_text()))
    assert taken == set(NEEDED) and all(f"${{{key}:?" in FILE.read_text() for key in NEEDED), "each is asked for"


def test_the_server_is_that_of_lrscope_server(compose: dict[str, Any]) -> None:
    server = compose["services"]["server"]
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    assert f'"{next(words for words in wanted if words.startswith("mlflow"))}"' in server["build"]["dockerfile_inline"]
    assert "--artifacts-destination s3://" in server["command"]
    assert server["environment"]["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] == "false"


def test_docker_takes_it(tmp_path: Path) -> None:
    if (
        shutil.which("docker") is None
        or subprocess.run(["docker", "compose", "version"], capture_output=True).returncode
    ):
        pytest.skip("the program docker, with its compose, is not here")
    words = ["docker", "compose", "--project-directory", str(tmp_path), "-f", str(FILE), "config", "--quiet"]
    done = subprocess.run(words, env=os.environ | NEEDED, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
