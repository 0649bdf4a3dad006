"""Answer requests with a registered model, on this machine; Ctrl-C ends it.

NAME means its champion, NAME@previous and NAME@2 another version. The server is MLflow's own: POST /invocations takes
raw examples as JSON and answers with classes by name, or with numbers in the unit of the data. A model is code: serve
only what comes from a store that you trust.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lrscope.cli.commands.command_parser import CommandParser

if TYPE_CHECKING:
    from lrscope.tracking.mlflow_store.registry import Version


def main(words: Sequence[str], prog: str | None) -> int:
    """0, 1 where the server does not start, 2 where there is no such model or the port is taken."""
    parser = CommandParser(prog=prog, description=__doc__)
    parser.add_argument("name", metavar="NAME[@ALIAS]", help="as registered; without an alias its champion")
    parser.add_argument("--port", type=int, default=5001, help="default: %(default)s")
    parser.add_argument("--uri", help="the tracking store; default MLFLOW_TRACKING_URI, else mlflow.db of the project")
    arguments = parser.parse_args(words)

    def ready(url: str, version: Version) -> None:
        print(f"serving  {arguments.name}, version {version.number}: {version.tags.get('lrscope.metric', '')}")
        print(f"examples POST {url}/invocations")
        print("Ctrl-C ends it", flush=True)

    from lrscope.lifecycle.serve_model import serve_model

    print("loading the model …", flush=True)
    return serve_model(arguments.name, arguments.uri, arguments.port, ready)
