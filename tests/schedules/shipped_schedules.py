"""The shipped schedules, composed as a run would have them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf, open_dict

CONF = Path(__file__).resolve().parents[2] / "conf"
SHIPPED = sorted(path.stem for path in (CONF / "scheduler").glob("*.yaml"))


def schedule(
    name: str, *overrides: str, lr: float = 1.0, steps_per_epoch: int = 10, total_steps: int = 100
) -> dict[str, Any]:
    """That option of ``conf/scheduler`` with its numbers resolved."""
    with initialize_config_dir(str(CONF), version_base="1.3"):
        cfg = compose(overrides=[f"+scheduler={name}", *overrides])
    with open_dict(cfg):
        cfg.update({"lr": lr, "steps_per_epoch": steps_per_epoch, "total_steps": total_steps})
    resolved = OmegaConf.to_container(cfg.scheduler, resolve=True)
    assert isinstance(resolved, dict)
    return {str(key): value for key, value in resolved.items()}
