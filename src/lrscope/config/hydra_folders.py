"""Hydra's folders that refer to what is not there, told before anything trains."""

from __future__ import annotations

from typing import Any

from lrscope.core.errors import Problem


def folders_of_nothing(hydra: Any) -> list[Problem]:
    """``hydra.run.dir=${nope}`` of a lone run; of a sweep its folder and those of its jobs."""
    from omegaconf import OmegaConf
    from omegaconf.errors import InterpolationToMissingValueError, OmegaConfBaseException

    is_sweep, found = str(hydra.mode).endswith("MULTIRUN"), []
    for part, name in (("sweep", "dir"), ("sweep", "subdir")) if is_sweep else (("run", "dir"),):
        try:
            str(hydra[part][name])
        except InterpolationToMissingValueError:
            continue  # of a job: its number, its overrides
        except OmegaConfBaseException as error:
            folders: Any = OmegaConf.to_container(hydra[part], resolve=False)
            rule = f"refers to what is not there ({str(error).splitlines()[0].rstrip('. ')})"
            found.append(Problem(f"hydra.{part}.{name}", str(folders[name]), rule, "Refer to a key that is there."))
    return found
