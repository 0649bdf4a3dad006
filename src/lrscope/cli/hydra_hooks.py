"""Where Hydra tells lrscope that a run or a sweep begins: the last moment at which nothing has trained yet."""

from __future__ import annotations

import sys
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
            from lrscope.cli.dry_run import tell_run
            from lrscope.cli.main import is_dry_run
            from lrscope.config.find_asked import find_problems
            from lrscope.config.hydra_folders import folders_of_nothing
            from lrscope.config.in_vain import launched_in_vain, searched_in_vain
            from lrscope.config.overrides import run_config
            from lrscope.config.typed_twice import say_typed_twice
            from lrscope.core.errors import InputError
            from lrscope.core.job import overrides_as_typed
            from lrscope.runs.shared_session import opened_ahead
            from lrscope.sweeps.check import raise_problems, secrets_of_hydra
            from lrscope.sweeps.confirm_best import check_typed
            from lrscope.sweeps.folders import make_folder
            from lrscope.tracking.mlflow_store.model_package import get_ready_to_pack

            if wrong := folders_of_nothing(config.hydra):
                raise InputError(wrong)
            check_typed(config)
            typed = overrides_as_typed(config.hydra)
            say_typed_twice(typed)
            cfg = run_config(config, typed)
            with opened_ahead(cfg) as session:
                if session is not None and cfg.tracking.log_model != "none":
                    session.preload(get_ready_to_pack)
                in_vain = [*launched_in_vain(config.hydra, typed), *searched_in_vain(config, typed)]
                in_vain += find_problems(config, typed)
                raise_problems([cfg], [*secrets_of_hydra(config), *in_vain], [typed])
                if is_dry_run():
                    tell_run(cfg, typed)
                    sys.exit(0)
                make_folder("hydra.run.dir", Path(str(config.hydra.run.dir)))

    def on_multirun_start(self, config: Any, **kwargs: Any) -> None:
        """Ends the command with exit code 2 where a job has a problem."""
        with _ending_the_command():
            from lrscope.cli.dry_run import tell_sweep
            from lrscope.cli.main import is_dry_run
            from lrscope.config.hydra_folders import folders_of_nothing
            from lrscope.config.typed_twice import say_typed_twice
            from lrscope.core.errors import InputError
            from lrscope.core.job import overrides_as_typed
            from lrscope.sweeps.lifecycle import begin

            if wrong := folders_of_nothing(config.hydra):
                raise InputError(wrong)
            say_typed_twice(overrides_as_typed(config.hydra))
            if is_dry_run():
                tell_sweep(config)
                sys.exit(0)
            begin(config)

    def on_multirun_end(self, config: Any, **kwargs: Any) -> None:
        """All members have trained; ``sweep.confirm`` adds some."""
        with _ending_the_command():
            from lrscope.cli.main import job
            from lrscope.sweeps.confirm_best import confirm

            confirm(config, job)


@contextmanager
def _ending_the_command() -> Iterator[None]:
    """Hydra turns exceptions of a callback into warnings and trains on; SystemExit passes."""
    from lrscope.cli.tell import tell
    from lrscope.config.broken_file import broken_file
    from lrscope.core.errors import Interrupted, LrscopeError
    from lrscope.core.redact import redacted_traceback

    try:
        yield
    except (LrscopeError, Interrupted) as error:
        sys.exit(tell(error))
    except Exception as error:
        if (broken := broken_file(error)) is not None:
            sys.exit(tell(broken))
        print(redacted_traceback(error), end="", file=sys.stderr)
        sys.exit(1)
