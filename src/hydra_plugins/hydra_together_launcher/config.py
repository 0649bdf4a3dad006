"""The launcher's options, known to Hydra at every start: nothing heavy is imported here.

Hydra executes this module without an entry in ``sys.modules``, where a dataclass cannot read annotations that
``from __future__ import annotations`` has turned into text.
"""

from dataclasses import dataclass

from hydra.core.config_store import ConfigStore


@dataclass
class TogetherLauncherConf:
    """What is trained together is decided by ``sweep.together`` of the task's own config."""

    _target_: str = "hydra_plugins.hydra_together_launcher.together_launcher.TogetherLauncher"


ConfigStore.instance().store(
    group="hydra/launcher", name="together", node=TogetherLauncherConf, provider="together_launcher"
)
