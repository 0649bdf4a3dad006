"""A sweeper of a user's own, which Hydra finds beside the tests that type commands: ``hydra/sweeper=own``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hydra.core.config_store import ConfigStore
from hydra.core.plugins import Plugins
from hydra.plugins.sweeper import Sweeper


class OwnSweeper(Sweeper):
    """Launches batch after batch, and numbers each from 0, as one that forgets the earlier batches does.

    Args:
        batches: of rates.
    """

    def __init__(self, batches: Sequence[Sequence[object]]) -> None:
        self.batches = batches
        self.launcher: Any = None

    def setup(self, **given: Any) -> None:
        self.launcher = Plugins.instance().instantiate_launcher(**given)

    def sweep(self, arguments: list[str]) -> Any:
        launch = self.launcher.launch
        return [launch([[*arguments, f"lr={rate}"] for rate in batch], initial_job_idx=0) for batch in self.batches]


TARGET = "hydra_plugins.own_sweeper.OwnSweeper"
ConfigStore.instance().store(group="hydra/sweeper", name="own", node={"_target_": TARGET, "batches": [[0.1, 0.01]]})
