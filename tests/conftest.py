"""What all tests share."""

from __future__ import annotations

import os

import pytest

# Before anything imports torch: the networks of tests are too small to gain from a second thread, and the threads of
# two test processes would wait for one another.
os.environ.setdefault("OMP_NUM_THREADS", "1")

from lrscope.tracking.delivery import service_client
from servers import fresh_database, mlflow_server, postgres, project, proxy, store_project

__all__ = ["fresh_database", "mlflow_server", "postgres", "project", "proxy", "store_project"]


@pytest.fixture(scope="session", autouse=True)
def _deliver_from_a_thread() -> None:
    """Sessions of the tests' own process have their service in a thread: it is the same one, without the seconds that
    another process takes to import MLflow. Commands in fresh processes start it as they do for a user.
    """
    service_client.LAUNCHES = (service_client.start_thread,)
