"""One job of a command: the config of a run, where its files lie, and the sweep that it belongs to."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from lrscope.core.failpoint import failpoint
from lrscope.core.ledger import SWEEP, Ledger


@dataclass(frozen=True)
class KnownMember:
    """A member of a resumed sweep: what the store knows of the run with this fingerprint."""

    local_id: str
    run_id: str
    done: bool
    outcome: str = ""
    """The finished run's outcome as JSON; empty while it is unfinished."""


@dataclass(frozen=True)
class SweepTicket:
    """What a member must know of its sweep; a file, so that it reaches every launcher's jobs."""

    local_id: str
    run_id: str | None
    axes: tuple[str, ...]
    """The keys that vary: members are named by their values."""
    launcher: Mapping[str, str] = field(default_factory=dict)
    """The process that launched the sweep, as tags name it."""
    known: Mapping[str, KnownMember] = field(default_factory=dict)
    """By fingerprint; empty for a sweep that is not resumed."""
    experiment: str | None = None
    """Of the parent; its members lie in it too, also where each has another data set. None: of an older sweep."""
    searched: tuple[str, ...] = ()
    """Of the axes those whose values a search chooses, if it may stop members."""

    def write(self, file: Path) -> None:
        with failpoint("ticket"):
            file.write_text(json.dumps(asdict(self)))

    @classmethod
    def read(cls, file: Path) -> SweepTicket:
        stored = json.loads(file.read_text())
        known = {key: KnownMember(**member) for key, member in stored["known"].items()}
        return cls(
            stored["local_id"],
            stored["run_id"],
            tuple(stored["axes"]),
            stored["launcher"],
            known,
            stored.get("experiment"),
            tuple(stored.get("searched", ())),
        )


@dataclass(frozen=True)
class Job:
    """``overrides`` are those of this job alone, as typed: ``("lr=0.01", "seed=1")``. What it leaves for the
    sweep goes into ``folder``, the sweep's own and not Hydra's, which may be called anything and be shared.
    """

    folder: Path
    overrides: tuple[str, ...]
    ticket: SweepTicket | None = None
    continues: Mapping[str, KnownMember] = field(default_factory=dict)
    """By fingerprint: the run that a lone job with ``resume=`` goes on with."""
    ledger: Ledger | None = None
    """Of the sweep that it belongs to."""
    found_by: str | None = None
    """The find that gave the rate of a lone job: MLflow's id of its run, or its own where no store has it."""

    def known(self, fingerprint: str) -> KnownMember | None:
        """What an earlier call left of the run with this fingerprint, where this call resumes one."""
        return (self.ticket.known if self.ticket is not None else self.continues).get(fingerprint)

    @property
    def varying(self) -> Mapping[str, str]:
        """The overrides that differ within the sweep, by key; all of them for a lone run."""
        pairs = dict(split_override(override) for override in self.overrides)
        if self.ticket is None:
            return pairs
        return {key: value for key, value in pairs.items() if key in self.ticket.axes}


def split_override(override: str) -> tuple[str, str]:
    """``"+a.b=1"`` -> ``("a.b", "1")``."""
    key, _, value = override.partition("=")
    return key.lstrip("+~"), value


def overrides_as_typed(hydra: Any) -> tuple[str, ...]:
    """The overrides of Hydra's part of a config. Reading them one by one would resolve the ``${...}`` in them."""
    from omegaconf import OmegaConf

    typed: Any = OmegaConf.to_container(hydra.overrides.task, resolve=False)
    return tuple(str(override) for override in typed)


def overrides_to_repeat(overrides: Iterable[str]) -> list[str]:
    """A command's overrides, but for what a later command decides anew."""
    return [override for override in overrides if not override.startswith(("resume=", "tracking.uri="))]


def current_job() -> Job:
    """The job that Hydra is running in this process."""
    from hydra.core.hydra_config import HydraConfig

    hydra = HydraConfig.get()
    overrides = overrides_as_typed(hydra)
    if str(hydra.mode).endswith("MULTIRUN") and SWEEP in os.environ:
        return member_job(Ledger(Path(os.environ[SWEEP])), hydra.job.num, overrides)
    return Job(Path(hydra.runtime.output_dir), overrides)


def become_current(composed: Any) -> None:
    """Have Hydra say in this process that it runs the job of this config, which another process composed."""
    from hydra.core.hydra_config import HydraConfig
    from hydra.core.utils import setup_globals

    setup_globals()
    HydraConfig.instance().set_config(composed)
    os.environ.update({str(key): str(value) for key, value in composed.hydra.job.env_set.items()})


def member_job(ledger: Ledger, number: int, overrides: tuple[str, ...]) -> Job:
    """The job of a sweep with this number."""
    return Job(ledger.place(number), overrides, SweepTicket.read(ledger.ticket), ledger=ledger)
