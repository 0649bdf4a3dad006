"""What the chosen option of a group leaves in it where a YAML file names another class: an experiment, ``train.yaml``,
or an option of the user's that builds upon another one.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

Tree = dict[str, Any]


def left_behind(group: str, part: DictConfig, hydra: Any) -> set[str]:
    """The keys of a group that a file wrote for another class than the group has now, and nobody wrote since.

    Args:
        part: the group as it was composed.
        hydra: Hydra's part of the config, which knows the option and where its file lies; None where it is gone.
    """
    if hydra is None or "runtime" not in hydra:
        return set()
    choice = hydra.runtime.choices.get(group)
    folders = tuple(str(source.path) for source in hydra.runtime.config_sources if source.schema == "file")
    for_another: Tree = {}
    target = None
    for tree in _files(f"{group}/{choice}", folders):
        target = tree.get("_target_", target)
        if target != part.get("_target_"):
            for_another |= tree
        else:
            for_another = {key: value for key, value in for_another.items() if key not in tree}
    now: Any = OmegaConf.to_container(part, resolve=False)
    return {key for key, value in for_another.items() if key != "_target_" and key in now and now[key] == value}


def _files(name: str, folders: tuple[str, ...]) -> Iterator[Tree]:
    """The contents of an option's file, and of those that its defaults list names, in the order in which they count."""
    tree = next((found for folder in folders if (found := _read(f"{folder}/{name}.yaml")) is not None), None)
    if tree is None:
        return
    listed = [entry for entry in tree.get("defaults") or () if isinstance(entry, str)]
    own = {key: value for key, value in tree.items() if key != "defaults"}
    for entry in listed if "_self_" in listed else [*listed, "_self_"]:
        if entry == "_self_":
            yield own
        else:
            other = entry.partition("@")[0].removeprefix("optional ").strip()
            yield from _files(other.lstrip("/") if other.startswith("/") else f"{Path(name).parent}/{other}", folders)


@lru_cache(maxsize=64)
def _read(path: str) -> Tree | None:
    """None where there is no such file, or none that can be read: Hydra says what is wrong with it."""
    try:
        tree: Any = OmegaConf.to_container(OmegaConf.load(path), resolve=False)
    except Exception:
        return None
    return tree if isinstance(tree, dict) else None
