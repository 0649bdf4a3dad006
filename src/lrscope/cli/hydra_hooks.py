"""Where Hydra tells lrscope that a run or a sweep begins: the last moment at which nothing has trained yet."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hydra.experimental.callback import Callback


class SweepCallback(Callback):
    """Checks every job before the first one trains, and creates a sweep's parent run; see :mod:`lrscope.sweep`."""

    def on_run_start(self, config: Any, **kwargs: Any) -> None:
        """Ends the command with exit code 2 where the lone run has a problem: before it has a folder."""
        with _ending_the_command():
            from lrscope.config.in_vain import typed_in_vain
            from lrscope.config.overrides import run_config
            from lrscope.core.job import overrides_as_typed
            from lrscope.runs.shared_session import opened_ahead
            from lrscope.sweeps.check import raise_problems
            from lrscope.sweeps.folders import make_folder
            from lrscope.tracking.mlflow_store.model_package import get_ready_to_pack

            typed = overrides_as_typed(config.hydra)
            cfg = run_config(config, typed)
            with opened_ahead(cfg) as session:
                if session is not None and cfg.tracking.log_model != "none":
                    session.preload(get_ready_to_pack)
                raise_problems([cfg], typed_in_vain([(cfg, typed)]))
                make_folder("hydra.run.dir", Path(str(config.hydra.run.dir)))

    def on_multirun_start(self, config: Any, **kwargs: Any) -> None:
        """Ends the command with exit code 2 where a job has a problem."""
        with _ending_the_command():
            from lrscope.sweeps.lifecycle import begin

            begin(config)


@contextmanager
def _ending_the_command() -> Iterator[None]:
    """Hydra turns exceptions of a callback into warnings and trains on; SystemExit passes."""
    from lrscope.core.errors import Interrupted, LrscopeError

    try:
        yield
    except (LrscopeError, Interrupted) as error:
        for line in str(error).splitlines():
            print(f"error: {line}", file=sys.stderr)
        sys.exit(error.exit_code)
    except Exception:
        traceback.print_exc()
        sys.exit(1)
