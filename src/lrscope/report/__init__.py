"""Compare a sweep: from what MLflow holds to one page that says which rate, how sure, and what became of the others."""

from lrscope.report.attach import attach_to_mlflow
from lrscope.report.collect import collect_sweep, latest_sweep
from lrscope.report.files import ReportFiles, write_report
from lrscope.report.links import Links, sweep_links
from lrscope.report.recommend import Recommendation
from lrscope.report.sweep import Member, Sweep
from lrscope.report.terminal import best_member, members_table

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
