"""What all tests share."""

from __future__ import annotations

import os

import pytest

# Before anything imports torch: the networks of tests are too small to gain from a second thread, and the threads of
# two test processes would wait for one another.
os.environ.setdefault("OMP_NUM_THREADS", "1")

from lrscope.tracking.delivery import steady_service
from servers import fresh_database, mlflow_server, postgres, project, proxy, store_project

__all__ = ["fresh_database", "mlflow_server", "postgres", "project", "proxy", "store_project"]


@pytest.fixture(scope="session", autouse=True)
def _deliver_from_a_thread() -> None:
    """Sessions of the tests' own process deliver from a thread: a copy of pytest with all libraries takes its time, and
    whether it has a second thread just then is chance. Commands in fresh processes fork as they do for a user.
    """
    steady_service.may_fork = lambda: False
