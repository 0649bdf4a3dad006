"""Compare a sweep: from what MLflow holds to one page that says which rate, how sure, and what became of the others.

Sweeps and the scripts use what is named here; it reads the store and writes files and MLflow's page.

    data         the stored sweep as plain data
    analysis     what follows from it: comparison, ranking, recommendation
    figures      what the figures show, and how they are drawn
    why          why the others failed: a sentence and a small figure each
    output       page, table, note and files
    mlflow_ui    links, a saved view, MLflow's page itself
    report_stored, diagnose_stored, check_stored    the commands on stored runs
    diagnose_files, stored_answers    on runs in files; what is stored as --json answers it
"""

from lrscope.report.analysis.recommendation import Recommendation
from lrscope.report.data.collect import collect_sweep, latest_sweep
from lrscope.report.data.stored_sweep import Member, Sweep
from lrscope.report.mlflow_ui.attach import attach_to_mlflow
from lrscope.report.mlflow_ui.links import Links, sweep_links
from lrscope.report.output.report_files import ReportFiles, write_report
from lrscope.report.output.terminal import members_table

__all__ = [
    "Links",
    "Member",
    "Recommendation",
    "ReportFiles",
    "Sweep",
    "attach_to_mlflow",
    "collect_sweep",
    "latest_sweep",
    "members_table",
    "sweep_links",
    "write_report",
]
