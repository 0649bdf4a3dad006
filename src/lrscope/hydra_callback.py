"""Where Hydra tells lrscope that a sweep begins: the last moment at which nothing has trained yet."""

from __future__ import annotations

import sys
import traceback
from typing import Any

from hydra.experimental.callback import Callback


class SweepCallback(Callback):
    """Checks every job of a sweep, then creates its parent run; see :mod:`lrscope.sweep`."""

    def on_multirun_start(self, config: Any, **kwargs: Any) -> None:
        """Ends the command with exit code 2 where a job has a problem.

        Hydra turns exceptions of a callback into warnings and trains on; SystemExit passes.
        """
        from lrscope.errors import LrscopeError
        from lrscope.sweep import begin

        try:
            begin(config)
        except LrscopeError as error:
            for line in str(error).splitlines():
                print(f"error: {line}", file=sys.stderr)
            sys.exit(error.exit_code)
        except Exception:
            traceback.print_exc()
            sys.exit(1)
