"""Hydra's folders of a sweep and its jobs, made before anything trains: one that cannot be is a problem."""

from __future__ import annotations

from collections.abc import Iterable
from errno import EROFS
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException

from lrscope.core.errors import InputError, Problem

EXAMPLES = {
    "hydra.run.dir": "hydra.run.dir=outputs/mine",
    "hydra.sweep.dir": "hydra.sweep.dir=outputs/mine",
    "hydra.sweep.subdir": "'hydra.sweep.subdir=${hydra.job.num}'",
}
LONGEST_SHOWN = 120


def job_folder(cfg: DictConfig, number: int) -> Path | None:
    """Where Hydra will run the job of this number; None where that hangs on what only its launcher knows.

    Args:
        cfg: the job's whole config, Hydra's own part included. It is left with the number in it.
    """
    with open_dict(cfg):
        cfg.hydra.job.num = number
    before = HydraConfig.instance().cfg
    place = OmegaConf.to_container(cfg.hydra.sweep, resolve=False)
    try:
        if "{hydra:" in str(place):  # only then has it to be in Hydra's own hands, which takes 5 ms
            HydraConfig.instance().set_config(cfg)
        return Path(str(cfg.hydra.sweep.dir)) / str(cfg.hydra.sweep.subdir)
    except OmegaConfBaseException:
        return None
    finally:
        HydraConfig.instance().cfg = before


def make_job_folders(folders: Iterable[Path | None]) -> None:
    """Make those that are known.

    Raises:
        InputError: one cannot be made.
    """
    for folder in dict.fromkeys(folders):
        if folder is not None:
            make_folder("hydra.sweep.subdir", folder)


def make_folder(key: str, folder: Path) -> Path:
    """Make a folder; its absolute path.

    Raises:
        InputError: it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:  # ValueError: a zero byte in it
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        shown = str(folder) if len(str(folder)) <= LONGEST_SHOWN else f"{str(folder)[:LONGEST_SHOWN]}…"
        rule = f"this folder cannot be made ({why.lower()})"
        denied = isinstance(error, PermissionError) or getattr(error, "errno", None) == EROFS
        remedy = f"Name another, e.g. {EXAMPLES[key]}."
        if denied:
            remedy = "Name another, or set LRSCOPE_ROOT to a folder that you may write, for all that a command leaves."
        raise InputError(Problem(key, shown, rule, remedy)) from error
    return folder.absolute()
