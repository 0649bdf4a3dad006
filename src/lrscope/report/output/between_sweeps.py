"""What differs between sweeps that are compared: config, data, code, people; stands above everything else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from lrscope.core.fingerprint import IRRELEVANT
from lrscope.report.data.stored_sweep import Sweep
from lrscope.report.output.html_table import html_table
from lrscope.report.output.tables import TextTable

LACKING = "–"
MOST_VALUES = 8


def what_differs(sweeps: Sequence[Sweep]) -> str:
    """The section of the page; empty of one sweep."""
    if len(sweeps) < 2:
        return ""
    rows = differences(sweeps)
    heads = ("", *(sweep.run_id[:8] for sweep in sweeps))
    table = TextTable(heads, (False,) * len(heads), tuple(rows))
    said = html_table(table) if rows else f"<p>{escape('Nothing that is recorded.')}</p>"
    return f"<h2>What differs</h2>{said}"


def differences(sweeps: Sequence[Sweep]) -> list[tuple[str, ...]]:
    """A row for each thing: its name, and of each sweep what it is there, swept values in the order of the members."""
    keys = dict.fromkeys(key for sweep in sweeps for member in sweep.members for key in member.params)
    rows = [(key, *(_values(sweep, key) for sweep in sweeps)) for key in keys if not _is_irrelevant(key)]
    rows += [
        ("data, by digest", *(_listed(m.trace.facts.data_digest or "" for m in sweep.members) for sweep in sweeps)),
        ("commit", *(sweep.commit[:12] or LACKING for sweep in sweeps)),
        ("who", *(sweep.user or LACKING for sweep in sweeps)),
        ("when", *(f"{sweep.started:%Y-%m-%d %H:%M} UTC" if sweep.started else LACKING for sweep in sweeps)),
    ]
    return [row for row in rows if len(set(row[1:])) > 1]


def _is_irrelevant(key: str) -> bool:
    return any(key == name or key.startswith(f"{name}.") for name in IRRELEVANT)


def _values(sweep: Sweep, key: str) -> str:
    return _listed(member.params.get(key, "") for member in sweep.members)


def _listed(values: Iterable[str]) -> str:
    found = [value for value in dict.fromkeys(values) if value]
    more = f" … ({len(found)})" if len(found) > MOST_VALUES else ""
    return ", ".join(found[:MOST_VALUES]) + more or LACKING
