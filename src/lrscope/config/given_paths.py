"""Files that a command names: from the folder that it was started in, wherever its jobs run."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf, open_dict

KEYS = ("path", "val_path", "targets_path")
"""Keys of ``dataset`` that name a file or a folder."""


def with_whole_paths(cfg: DictConfig, started_in: Path) -> None:
    """Exchange, in place, each relative path of lrscope's data sets for the absolute one of what lies there.

    What does not lie there stays as it is: the data set looks for it where its own files are, or says what is missing.
    """
    dataset: Any = cfg.get("dataset")
    if not dataset or not str(dataset.get("_target_", "")).startswith("lrscope."):
        return
    for key in KEYS:
        path = OmegaConf.select(dataset, key, throw_on_resolution_failure=False)
        if not isinstance(path, str):
            continue
        expanded = Path(path).expanduser()
        found = expanded if expanded.is_absolute() else started_in / expanded
        if found.exists():
            with open_dict(cfg):
                dataset[key] = str(found)


def whole_words(overrides: Iterable[str], started_in: Path) -> list[str]:
    """The words of a command with whole paths, for whoever repeats it in another folder."""
    keys = tuple(f"dataset.{key}" for key in KEYS)
    words = []
    for override in overrides:
        key, _, value = override.partition("=")
        there = [(started_in / Path(path).expanduser()).exists() for path in value.split(",")]
        if key in keys and value and all(there):
            value = ",".join(str(started_in / Path(path).expanduser()) for path in value.split(","))
            override = f"{key}={value}"
        words.append(override)
    return words


def started_in(hydra: Any = None) -> Path:
    """The folder that a command was started in, as Hydra knows it; a job's own may be another.

    Args:
        hydra: Hydra's own part of the config, where it is at hand.
    """
    from hydra.core.hydra_config import HydraConfig

    if hydra is None and HydraConfig.initialized():
        hydra = HydraConfig.get()
    known = OmegaConf.select(hydra, "runtime.cwd") if hydra is not None else None
    return Path(known) if known else Path.cwd()
