"""From the command line to a run or a sweep, and back to an exit code; nothing heavy on the way to --help."""

from __future__ import annotations

import os
import sys
from typing import Any

from lrscope import config
from lrscope.errors import LrscopeError
from lrscope.paths import conf_folder


def main() -> int:
    """Run the command in ``sys.argv``.

    Returns:
        0 where everything trained or was found to fail by itself; 1 for a crash; 2 for bad input;
        128 + n where signal n stopped it.
    """
    import hydra

    config.register()
    _keep_quiet()
    entry = hydra.main(version_base="1.3", config_path=str(conf_folder()), config_name="train")(_job)
    code = 0
    try:
        entry()
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else 1
    except KeyboardInterrupt:
        code = 130
    return _close_sweep(code)


def _job(cfg: Any) -> Any:
    """One job of Hydra: a lone run or a member of a sweep."""
    from lrscope.run import run_job

    try:
        return run_job(cfg)
    except LrscopeError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(error.exit_code) from None


def _close_sweep(code: int) -> int:
    """Close the sweep of this process, where there is one: on every way out, with the report of what there is."""
    if "lrscope.sweep" not in sys.modules:
        return code
    from lrscope.sweep import close_current

    return close_current(code)


def _keep_quiet() -> None:
    """Libraries that talk to their makers or warn about the weather are told not to, unless the user said otherwise."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
