"""What a sweep leaves when it ends: the report in MLflow, the table and the links on the terminal."""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast

from lrscope.core.failpoint import failpoint

if TYPE_CHECKING:
    from lrscope.core.trace import Trace

PIPED_WIDTH = 200
"""Piped output has no width of its own; a table cut at 80 columns would lose its numbers."""

Colours = Literal["auto", "standard", "256", "truecolor", "windows"]


@dataclass(frozen=True)
class Terminal:
    """What the user's terminal can show, for text that is made elsewhere. ``colours`` None: plain text."""

    width: int
    colours: Colours | None

    @classmethod
    def of_this_process(cls) -> Terminal:
        from rich.console import Console

        console = Console(width=None if sys.stdout.isatty() else PIPED_WIDTH)
        return cls(console.width, cast(Colours | None, console.color_system))

    def render(self, *parts: object) -> str:
        """The text of rich's renderables, one below the other."""
        from rich.console import Console

        text = io.StringIO()
        shows_colours = self.colours is not None
        console = Console(
            file=text, width=self.width, color_system=self.colours, force_terminal=shows_colours, highlight=False
        )
        console.print(*parts, sep="\n", crop=False)
        return text.getvalue()


def report_sweep(
    uri: str | None, parent_run_id: str, folder: Path | None, terminal: Terminal, going_on: str | None = None
) -> str:
    """Compare a sweep as the store has it; what the terminal shows of it.

    Args:
        folder: where the report's files go, which then belong to the parent as artifacts; None makes none.
        going_on: the command that goes on with it, where the caller knows better than the store how it was called.

    Raises:
        InputError: the store has no such sweep.
    """
    from lrscope.report import attach_to_mlflow, collect_sweep, members_table, sweep_links, write_report
    from lrscope.report.mlflow_ui.links import how_to_open

    stored = collect_sweep(uri, parent_run_id)
    if folder is not None:
        with failpoint("report"):
            files = write_report(stored, folder)
        with failpoint("view"):
            attach_to_mlflow(stored, files.note_markdown)
    told = sweep_links(stored).lines(view=folder is not None or stored.has_view)
    links = [line for line in (how_to_open(stored), *(told if folder is not None else told[:-1])) if line]
    return terminal.render(members_table(stored, going_on)) + "\n" + "\n".join(links) + "\n"


def stored_traces(uri: str | None, run_ids: Sequence[str]) -> dict[str, Trace]:
    """The curves of runs as the store has them, by run id."""
    from lrscope.report.data.connect import connect
    from lrscope.tracking.mlflow_store.read import read_traces

    client = connect(uri)
    return read_traces(client, [client.get_run(run_id) for run_id in run_ids])


def has_stored_model(uri: str | None, run_id: str) -> bool:
    """Whether the store has a model of the run."""
    from lrscope.report.data.connect import connect

    outputs = connect(uri).get_run(run_id).outputs
    return outputs is not None and bool(outputs.model_outputs)


def get_ready_to_report() -> None:
    """Load what ``report_sweep`` needs, in a process that has nothing else to do."""
    from lrscope.report.figures.draw import get_ready_to_draw

    get_ready_to_draw()
