"""What others hand to tracking: where to record, what a run is called, one measured point."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Mode = Literal["online", "offline", "off"]
Kind = Literal["run", "sweep", "member", "find"]
Status = Literal["FINISHED", "FAILED", "KILLED"]


@dataclass(frozen=True)
class TrackingSettings:
    """Where and how runs are recorded.

    ``uri`` None means ``MLFLOW_TRACKING_URI``, else ``sqlite:///mlflow.db`` in the project's root. ``spool`` is
    the folder that holds what each run leaves until it is delivered; ``finish_timeout_s`` is how many seconds
    ``Session.close`` waits for a store that takes nothing. Each call that the store answers begins them anew, up to
    ten times as many altogether: a server that is slow gets the time that one which is away does not.
    ``system_metrics``: sample the machine for the session's sweep, or its lone run.
    """

    mode: Mode = "online"
    uri: str | None = None
    spool: Path = Path("outputs/spool")
    finish_timeout_s: float = 30.0
    system_metrics: bool = False


@dataclass(frozen=True)
class RunStart:
    """What is known of a run before its first step. ``local_id`` names it for ever, in the journal and in the
    store.
    """

    experiment: str
    name: str
    kind: Kind
    local_id: str
    parent_local_id: str | None = None
    params: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class DatasetInfo:
    """The data of a run, as MLflow's dataset input: ``digest`` tells two versions of one dataset apart."""

    name: str
    digest: str
    source: str
    context: str = "training"
    schema: str = ""
    profile: str = ""


@dataclass(frozen=True)
class DeliveryResult:
    """What became of a session's records: runs that are not wholly in the store, though on this disk, and runs of which
    something is lost. ``words`` is what to tell the user; empty where everything arrived.
    """

    undelivered: tuple[str, ...] = ()
    words: str = ""
    lost: tuple[str, ...] = ()
    disbelieved: bool = False
    """Something is undelivered because the store says that it has it, and has not."""
