"""The launcher against Hydra's own suites, with task functions that are not lrscope's."""

from __future__ import annotations

from collections.abc import Iterator

from hydra.core.plugins import Plugins
from hydra.plugins.launcher import Launcher
from hydra.test_utils.launcher_common_tests import IntegrationTestSuite, LauncherTestSuite
from hydra.version import VersionBase
from packaging.version import Version
from pytest import fixture, mark

from hydra_plugins.hydra_together_launcher.together_launcher import TogetherLauncher

pytestmark = mark.filterwarnings("ignore:\\s*Future Hydra versions:UserWarning")


@fixture(autouse=True)
def compatible_hydra() -> Iterator[None]:
    """Hydra's suites state no ``version_base``, which means 1.1; other tests in this process have chosen 1.3."""
    before = VersionBase.instance().getbase()
    VersionBase.instance().setbase(Version("1.1"))
    yield
    VersionBase.instance().version_base = before


def test_hydra_finds_the_launcher() -> None:
    assert TogetherLauncher.__name__ in [found.__name__ for found in Plugins.instance().discover(Launcher)]


@mark.parametrize("launcher_name, overrides", [("together", [])])
class TestTogetherLauncher(LauncherTestSuite):
    """Hydra's suite for any launcher."""


@mark.parametrize(
    "task_launcher_cfg, extra_flags",
    [({}, ["-m", "hydra/launcher=together"])],
)
class TestTogetherLauncherIntegration(IntegrationTestSuite):
    """Hydra's suite with real applications."""
