"""Start MLflow's page on this machine and print the links to the latest sweep; Ctrl-C ends it.

It listens on 127.0.0.1 only and opens no browser.
"""

from __future__ import annotations

from collections.abc import Sequence

from lrscope.cli.commands.command_parser import CommandParser
from lrscope.cli.tell import print_aside
from lrscope.core.command_words import train_command
from lrscope.core.errors import InputError


def main(words: Sequence[str], prog: str | None) -> int:
    """0, 1 where the server does not start, 2 where the port is taken or the store cannot be read."""
    parser = CommandParser(prog=prog, description=__doc__)
    parser.add_argument("--port", type=int, default=5000, help="default: %(default)s")
    parser.add_argument("--uri", help="the tracking store; default MLFLOW_TRACKING_URI, else mlflow.db of the project")
    arguments = parser.parse_args(words)

    from lrscope.tracking.mlflow_store.address import resolve_uri

    already = resolve_uri(arguments.uri).uri.startswith(("http://", "https://"))

    def ready(url: str) -> None:
        print(f"MLflow   {url}/#/experiments?workflowType=machine_learning", flush=True)
        _links(arguments.uri, url)
        if not already:
            print("Ctrl-C ends it", flush=True)

    from lrscope.report.mlflow_ui.serve import serve

    if not already:
        print("starting MLflow's page …", flush=True)
    return serve(arguments.uri, arguments.port, ready)


def _links(uri: str | None, url: str) -> None:
    from lrscope.report import collect_sweep, latest_sweep, sweep_links

    try:
        sweep = collect_sweep(uri, latest_sweep(uri, print_aside))
        print(*sweep_links(sweep, url).lines(sweep.has_view), sep="\n", flush=True)
    except InputError:
        print(f"no sweep yet: {train_command()} -m lr=1,0.01,0.0001", flush=True)
