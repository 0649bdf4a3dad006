"""What all tests share."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

# Before anything imports torch: the networks of tests are too small to gain from a second thread, and the threads of
# two test processes would wait for one another.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# Most runs of tests are so short that they fail or are too slow: what would train is tried where a test asks for it.
os.environ["LRSCOPE_TRIAL_SECONDS"] = "0"

from clean_tree import changes, contents
from lrscope.tracking.delivery import service_client
from servers import fresh_database, mlflow_server, postgres, project, proxy, store_project

__all__ = ["fresh_database", "mlflow_server", "postgres", "project", "proxy", "store_project"]

TREE = pytest.StashKey[frozenset[str] | None]()
CHANGED = pytest.StashKey[list[str]]()


@pytest.fixture(scope="session", autouse=True)
def _deliver_from_a_thread() -> None:
    """Sessions of the tests' own process have their service in a thread: it is the same one, without the seconds that
    another process takes to import MLflow. Commands in fresh processes start it as they do for a user.
    """
    service_client.LAUNCHES = (service_client.start_thread,)


@pytest.fixture(autouse=True)
def _own_environment() -> Iterator[None]:
    """No test hands another one a variable: MLflow writes a tracking URI that it is told into the environment."""
    before = dict(os.environ)
    yield
    for key in os.environ.keys() - before.keys():
        if key.startswith(("MLFLOW_", "LRSCOPE_", "HYDRA_")):
            del os.environ[key]
    os.environ.update({key: value for key, value in before.items() if os.environ.get(key) != value})


def pytest_sessionstart(session: pytest.Session) -> None:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # which commands under nohup ignore, as they should
    if _is_whole(session.config):
        session.config.stash[TREE] = contents()


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail where the tests have left something in the working tree."""
    before = session.config.stash.get(TREE, None)
    after = contents() if before is not None else None
    if before is not None and after is not None and (changed := changes(before, after)):
        session.config.stash[CHANGED] = changed
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for number, line in enumerate(config.stash.get(CHANGED, [])):
        if number == 0:
            terminalreporter.section("the working tree is not as it was before the tests", red=True, bold=True)
            terminalreporter.line("A test may write below its tmp_path only. Unless you changed it yourself meanwhile:")
        terminalreporter.line(f"  {line}")


def _is_whole(config: pytest.Config) -> bool:
    """Not one of the processes that share the tests out among them (pytest-xdist)."""
    return not hasattr(config, "workerinput")
