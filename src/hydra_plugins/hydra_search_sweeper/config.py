"""The sweeper's options, known to Hydra at every start: nothing heavy is imported here.

Hydra executes this module without an entry in ``sys.modules``, where a dataclass cannot read annotations that
``from __future__ import annotations`` has turned into text.
"""

from dataclasses import dataclass

from hydra._internal.core_plugins.basic_sweeper import BasicSweeperConf
from hydra.core.config_store import ConfigStore


@dataclass
class SearchSweeperConf(BasicSweeperConf):
    """How intervals are searched is decided by ``search`` of the task's own config."""

    _target_: str = "hydra_plugins.hydra_search_sweeper.search_sweeper.SearchSweeper"


ConfigStore.instance().store(group="hydra/sweeper", name="search", node=SearchSweeperConf, provider="search_sweeper")
