"""What a call gives back: runs, sweeps and diagnoses, read from the store that they are recorded in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lrscope.core.errors import InputError, Problem
from lrscope.diagnosis.readable import Diagnosis

if TYPE_CHECKING:
    import pandas as pd
    from torch import nn

    from lrscope.report import Member, Recommendation
    from lrscope.report import Sweep as StoredSweep
    from lrscope.report.analysis.comparison import Row


@dataclass(frozen=True)
class Run:
    """A recorded run.

    ``status`` is MLflow's; ``params`` are the leaves of the resolved config as text; ``store`` the tracking URI
    (None: the project's own).
    """

    run_id: str
    name: str
    status: str
    verdict: str
    why: str
    params: dict[str, str] = field(repr=False)
    store: str | None = field(default=None, repr=False)

    @classmethod
    def load(cls, run_id: str, store: str | None = None) -> Run:
        """Read a run.

        Raises:
            InputError: there is none of that id, or the store cannot be read.
        """
        from lrscope.report.data.collect import stored_run
        from lrscope.report.data.connect import connect

        found = stored_run(connect(store), run_id)
        tags = found.data.tags
        verdict, why = tags.get("lrscope.verdict", "unknown"), tags.get("lrscope.why", "")
        name = found.info.run_name or run_id
        return cls(found.info.run_id, name, found.info.status, verdict, why, dict(found.data.params), store)

    @cached_property
    def diagnosis(self) -> Diagnosis:
        """What became of it; beside the other members where it is one of a sweep's."""
        return diagnose(self)

    @property
    def advice(self) -> str:
        """What to do, in terms of this run's config; empty where there is nothing to do."""
        return self.diagnosis.advice

    def metrics(self) -> pd.DataFrame:
        """All recorded points: a row a step, a column a metric (``train/loss``, ``lr``, ``val/acc`` …), NaN where a
        metric has no point at that step. Step 0 is the first update.
        """
        import pandas as pd

        from lrscope.report.data.connect import connect
        from lrscope.tracking.mlflow_store.read import read_traces

        client = connect(self.store)
        trace = read_traces(client, [client.get_run(self.run_id)])[self.run_id]
        columns = {
            name: pd.Series(series.values, index=series.steps).groupby(level=0).last()
            for name, series in sorted(trace.series.items())
        }
        return pd.DataFrame(columns).rename_axis("step").sort_index()

    def load_model(self, trust: Iterable[str] = ()) -> nn.Module:
        """The trained network, in evaluation mode, with the weights of its best epoch.

        Nothing of the store is unpickled: the network is built anew from the run's command, data and all, and its
        weights are read as tensors. A class of one's own in that command has to be trusted (docs/trust.md).

        Args:
            trust: packages whose classes the command may name, beside those of ``conf/trust.yaml``.

        Raises:
            InputError: the run keeps no weights, names what is not trusted, or its weights do not fit.
        """
        from lrscope.api.stored_model import stored_model
        from lrscope.api.undisturbed import undisturbed

        with undisturbed():
            return stored_model(self.run_id, self.store, trust)


@dataclass(frozen=True)
class Sweep:
    """A recorded sweep; iterating gives its members as :class:`Run`."""

    parent_run_id: str
    store: str | None = None

    @cached_property
    def _stored(self) -> StoredSweep:
        from lrscope.report import collect_sweep

        return collect_sweep(self.store, self.parent_run_id)

    @cached_property
    def runs(self) -> tuple[Run, ...]:
        """The members, in the order of the swept axes."""
        return tuple(_run_of(member, self.store) for member in self._stored.members)

    def __iter__(self) -> Iterator[Run]:
        return iter(self.runs)

    def __len__(self) -> int:
        return len(self.runs)

    @cached_property
    def recommendations(self) -> tuple[Recommendation, ...]:
        """What to use, with its range, evidence and the commands to run next: one for each group of members that
        differ in the rate alone, the best first.
        """
        from lrscope.report.analysis.comparison import compare
        from lrscope.report.analysis.recommend import recommend

        return recommend(compare([self._stored]))

    @property
    def recommendation(self) -> Recommendation | None:
        """The first of :attr:`recommendations`; None where there is nothing to compare."""
        return self.recommendations[0] if self.recommendations else None

    @cached_property
    def best(self) -> Run | None:
        """The member that the report stars; None where none can be recommended."""
        from lrscope.report.analysis.comparison import compare
        from lrscope.report.output.starred import best_row

        row = best_row(compare([self._stored]), self.recommendations)
        return None if row is None else _run_of(row.member, self.store)

    @cached_property
    def table(self) -> pd.DataFrame:
        """A row a member, by run id: the swept axes as numbers where they are, verdict, status, and what it came to."""
        import pandas as pd

        from lrscope.report.analysis.comparison import compare

        cells = [_cells(row) for row in compare([self._stored]).rows]
        return pd.DataFrame(cells).set_index("run_id")

    @cached_property
    def report(self) -> Path:
        """The report's page, an HTML file: from the store, or made now where the store has none."""
        from lrscope.report.report_stored import report_stored

        return report_stored([self.parent_run_id], self.store, keep=False).files.html

    def _repr_html_(self) -> str:
        """For a notebook: the recommendation, the figure, the table."""
        from base64 import b64encode

        found = self.recommendation
        words = "".join(f"<p>{escape(sentence)}</p>" for sentence in (found.sentences if found else ()))
        picture = self.report.parent / "loss_vs_rate.png"
        image = ""
        if picture.is_file():
            code = b64encode(picture.read_bytes()).decode()
            image = f'<img alt="loss against the rate" style="max-width: 100%" src="data:image/png;base64,{code}">'
        shown = self.table.drop(columns=["status"])
        return words + image + shown.to_html(index=False, float_format="{:.4g}".format, na_rep="")


def load_sweep(run_id: str, store: str | None = None) -> Sweep:
    """A sweep that is stored.

    Args:
        run_id: MLflow's id of the parent run, or of any member.
        store: a tracking URI; None takes ``MLFLOW_TRACKING_URI``, else the project's own store.

    Raises:
        InputError: no such sweep, or the store cannot be read.
    """
    from lrscope.report import collect_sweep

    found = collect_sweep(store, run_id)
    sweep = Sweep(found.run_id, store)
    sweep.__dict__["_stored"] = found  # read once
    return sweep


def diagnose(source: str | Path | Run, store: str | None = None) -> Diagnosis:
    """What became of a run, from its curves; also of runs that other programs recorded.

    Args:
        source: a run, its MLflow id, or the path of a file with its curves: CSV, JSON lines, ``trainer_state.json``,
            TensorBoard's events, W&B's offline run.
        store: a tracking URI, where ``source`` is an id; None as for :func:`load_sweep`.

    Raises:
        InputError: no such run, a sweep's parent (iterate over ``load_sweep(id)``), or what holds it cannot be read.
    """
    from lrscope.report.diagnose_files import diagnose_files
    from lrscope.report.diagnose_stored import diagnose_stored

    if isinstance(source, Path) or (isinstance(source, str) and Path(source).is_file()):
        in_files = diagnose_files(Path(source))
        if len(in_files) != 1:
            rule, remedy = f"is a folder of {len(in_files)} runs", "Give one file; `lrscope diagnose FOLDER` shows all."
            raise InputError(Problem("source", str(source), rule, remedy))
        (in_file,) = in_files
        return Diagnosis.of(in_file.diagnosis, in_file.note_markdown, in_file.name)
    run_id, uri = (source.run_id, source.store) if isinstance(source, Run) else (source, store)
    found = diagnose_stored([run_id], uri)
    if len(found) != 1:
        rule, remedy = f"is a sweep of {len(found)} members", "Diagnose each: for run in lrscope.load_sweep(id): …"
        raise InputError(Problem("source", run_id, rule, remedy))
    (one,) = found
    return Diagnosis.of(one.diagnosis, one.note_markdown, one.name, run_id)


def _run_of(member: Member, store: str | None) -> Run:
    return Run(member.run_id, member.name, member.status, member.outcome, member.why, dict(member.params), store)


def _cells(row: Row) -> dict[str, Any]:
    """A member as a row of the table: losses and accuracies by the names of their metrics, at the end and at best."""
    from lrscope.report.data.axes import number

    member, came_to = row.member, row.outcome
    axes = {key: value if (at := number(value)) is None else at for key, value in member.settings.items()}
    return {
        "run_id": member.run_id,
        "name": member.name,
        **axes,
        "verdict": member.outcome,
        "status": member.status,
        "train/loss": came_to.final_train,
        "val/loss": came_to.final_val,
        "best val/loss": came_to.best_val,
        "train/acc": came_to.final_train_acc,
        "val/acc": came_to.final_val_acc,
        "best val/acc": came_to.best_val_acc,
        "steps": came_to.steps,
        "seconds": member.seconds,
        "why": member.why,
    }
