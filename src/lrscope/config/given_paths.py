"""Files that a command names: from the folder that it was started in, wherever its jobs run."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf, open_dict

KEYS = ("path", "val_path", "targets_path")
"""Keys of ``dataset`` that name a file or a folder."""

OF_DATASET = (*KEYS, "tokenizer")
"""Keys of ``dataset`` that may name one."""

OF_MODEL = ("checkpoint", "name")
"""Keys of ``model`` that may name one: weights, and a folder of a pretrained network."""

MAY_BE_HUBS = ("model.name", "dataset.tokenizer")
"""Keys whose value is a folder or what the Hugging Face hub has by that name."""

SAVED = ("config.json", "tokenizer_config.json")
"""What ``save_pretrained`` writes into the folder of a network, and of a tokenizer."""


def with_whole_paths(cfg: DictConfig, started_in: Path) -> None:
    """Exchange, in place, each relative path of lrscope's data sets and models for the whole one of what lies there.

    What does not lie there stays as it is: the data set looks for it where its own files are, or says what is missing.
    """
    for group, keys in (("dataset", OF_DATASET), ("model", OF_MODEL)):
        part: Any = cfg.get(group)
        ours = bool(part) and str(part.get("_target_", "")).startswith("lrscope.")
        for key in keys if ours else ("checkpoint",) if part and group == "model" else ():
            path = OmegaConf.select(part, key, throw_on_resolution_failure=False)
            if not isinstance(path, str):
                continue
            expanded = Path(path).expanduser()
            found = expanded if expanded.is_absolute() else started_in / expanded
            if found.exists() and (f"{group}.{key}" not in MAY_BE_HUBS or found.is_dir()):
                with open_dict(cfg):
                    part[key] = str(found)


def whole_words(overrides: Iterable[str], started_in: Path) -> list[str]:
    """The words of a command with whole paths, for whoever repeats it in another folder."""
    keys = (*(f"dataset.{key}" for key in KEYS), "model.checkpoint", *MAY_BE_HUBS)
    words = []
    for override in overrides:
        key, _, value = override.partition("=")
        # A word that also names a network of the hub is a folder where one lies there that was saved of a network.
        inside = SAVED if key.lstrip("+") in MAY_BE_HUBS else ("",)
        places = [started_in / Path(path).expanduser() for path in value.split(",")]
        there = [any((place / name).exists() for name in inside) for place in places]
        if key.lstrip("+") in keys and value and all(there):
            override = f"{key}={','.join(map(str, places))}"
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
