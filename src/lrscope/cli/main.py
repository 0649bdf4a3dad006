"""From the command line to a run or a sweep, and back to an exit code; nothing heavy on the way to --help."""

from __future__ import annotations

import os
import sys
import traceback
import warnings
from concurrent.futures import BrokenExecutor
from pathlib import Path
from typing import Any

from lrscope.config import schema
from lrscope.core import gc_pause
from lrscope.core.errors import Interrupted, LrscopeError
from lrscope.core.paths import conf_folder
from lrscope.core.plain_text import keep_what_can_be_shown
from lrscope.core.std_streams import spare_the_command
from lrscope.core.stop_signals import STOP

SWITCH_S = 0.0005
"""How long a thread may keep Python's lock while another waits. With Python's own 5 ms the thread that records holds up
the training, which gives the lock away at every operation of torch."""

FULL_ERROR = "HYDRA_FULL_ERROR"
"""Hydra's own switch: its errors are raised, and come here, instead of being printed by it."""


def main() -> int:
    """Run the command in ``sys.argv``.

    Returns:
        0 where everything trained or was found to fail by itself; 1 for a crash; 2 for bad input; 128 + n where
        signal n stopped it.
    """
    spare_the_command()
    keep_what_can_be_shown()
    gc_pause.pause()
    sys.setswitchinterval(SWITCH_S)
    import hydra

    schema.register()
    _keep_quiet()
    entry = hydra.main(version_base="1.3", config_path=str(conf_folder()), config_name="train")(_job)
    try:
        try:
            code = _exit_code(entry)
        except BaseException:  # of no kind that is known here: Python tells it, and no sweep stays RUNNING
            _close_sweep(1)
            raise
        return _close_sweep(code) or _code_of_records()
    finally:
        gc_pause.leave()


def _exit_code(entry: Any) -> int:
    """Call Hydra's entry; whatever it raises becomes words on the terminal and an exit code."""
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    asked = os.environ.get(FULL_ERROR)
    os.environ[FULL_ERROR] = "1"
    try:
        entry()
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else 1
    except KeyboardInterrupt:
        return 130
    except (LrscopeError, Interrupted) as error:
        return _tell(error)
    except Exception as error:
        if isinstance(error, (HydraException, OmegaConfBaseException)) and asked != "1":
            return _refused(error)
        return _unexpected(error)
    finally:
        if asked is None:
            del os.environ[FULL_ERROR]
    return 0


def _job(cfg: Any) -> Any:
    """One job of Hydra: a lone run or a member of a sweep. What stops a member must not stop the others."""
    from hydra.core.hydra_config import HydraConfig
    from hydra.types import RunMode

    from lrscope.config.overrides import run_config
    from lrscope.core.job import overrides_as_typed
    from lrscope.runs.run import run_job

    spare_the_command()  # a launcher's worker has not come by main
    alone = HydraConfig.get().mode == RunMode.RUN
    try:
        outcome = run_job(run_config(cfg, overrides_as_typed(HydraConfig.get())))
    except Interrupted as stop:
        if alone or _launched_here():
            raise SystemExit(_tell(stop)) from None
        return None  # a worker: what became of its job stands in the ledger, and the command knows of the signal
    except LrscopeError as error:
        if alone:
            raise SystemExit(_tell(error)) from None
        raise
    if alone and outcome.crashed:
        raise SystemExit(1)
    return outcome


def _refused(error: Exception) -> int:
    """Say what Hydra refuses: of a sweep everything that is wrong, of a lone run what is wrong with its words."""
    from lrscope.cli.explain_command import explain_command

    _tell(explain_command(sys.argv[1:], error))
    return 2


def _unexpected(error: Exception) -> int:
    """What nobody foresaw: told, and the command still ends as every other does."""
    if isinstance(error, ValueError) and str(error).startswith(("Only one of --", "The --resolve flag")):
        print(f"error: {error}", file=sys.stderr)
        return 2
    if (number := STOP.requested()) is not None:
        return 128 + number  # what the signal broke on its way
    if isinstance(error, BrokenExecutor):
        words = "a process that trained members ended (killed, or out of memory), and the launcher gave up the others"
        print(f"error: {words}. Go on with resume=latest.", file=sys.stderr)
        return 1
    traceback.print_exc()
    return 1


def _tell(error: LrscopeError | Interrupted) -> int:
    for line in str(error).splitlines():
        print(f"error: {line}", file=sys.stderr)
    return error.exit_code


def _launched_here() -> bool:
    """Whether this process launched the sweep, and is not a worker of its launcher's."""
    lifecycle = sys.modules.get("lrscope.sweeps.lifecycle")
    return lifecycle is not None and lifecycle.current() is not None


def _close_sweep(code: int) -> int:
    """Close the sweep of this process, where there is one: on every way out, with the report of what there is."""
    if "lrscope.sweeps.lifecycle" not in sys.modules:
        return code
    from lrscope.sweeps.lifecycle import close_current

    return close_current(code)


def _code_of_records() -> int:
    """1 where something that was to be recorded is lost; the user has been told what, and why."""
    sessions = sys.modules.get("lrscope.runs.shared_session")
    return 1 if sessions is not None and sessions.lost_something() else 0


def _keep_quiet() -> None:
    """Libraries that talk to their makers or warn about the weather are told not to, unless the user said otherwise."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
    warnings.formatwarning = _as_told


def _as_told(
    message: Warning | str, category: type[Warning], filename: str, lineno: int, line: str | None = None
) -> str:
    """lrscope's own warnings are words for the user; where in the code they stand is not for him."""
    if Path(filename).is_relative_to(Path(__file__).parents[1]):
        return f"warning: {message}\n"
    return _in_full(message, category, filename, lineno, line)


_in_full = warnings.formatwarning
