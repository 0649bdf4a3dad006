"""Compare a sweep: from what MLflow holds to one page that says which rate, how sure, and what became of the others."""

from lrscope.report.analysis.recommendation import Recommendation
from lrscope.report.data.collect import collect_sweep, latest_sweep
from lrscope.report.data.stored_sweep import Member, Sweep
from lrscope.report.mlflow_ui.attach import attach_to_mlflow
from lrscope.report.mlflow_ui.links import Links, sweep_links
from lrscope.report.output.report_files import ReportFiles, write_report
from lrscope.report.output.terminal import best_member, members_table

__all__ = [
    "Links",
    "Member",
    "Recommendation",
    "ReportFiles",
    "Sweep",
    "attach_to_mlflow",
    "best_member",
    "collect_sweep",
    "latest_sweep",
    "members_table",
    "sweep_links",
    "write_report",
]
