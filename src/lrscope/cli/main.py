"""From the command line to a run or a sweep, and back to an exit code; nothing heavy on the way to --help."""

from __future__ import annotations

import os
import signal
import sys
import warnings
from collections.abc import Sequence
from concurrent.futures import BrokenExecutor
from pathlib import Path
from typing import Any

from lrscope.cli.conf_search import first_folder
from lrscope.cli.ended import Ended
from lrscope.cli.json_alone import JSON, json_alone
from lrscope.cli.tell import last_error, print_errors, tell
from lrscope.cli.words import options_first
from lrscope.config import schema
from lrscope.core import gc_pause
from lrscope.core.errors import InputError, Interrupted, LrscopeError, Problem
from lrscope.core.outcome import Outcome
from lrscope.core.paths import find_the_users_modules
from lrscope.core.redact import keep_secrets_out_of_tracebacks, redact, redacted_traceback
from lrscope.core.std_streams import spare_the_command
from lrscope.core.stop_signals import STOP

SWITCH_S = 0.0005
"""How long a thread may keep Python's lock while another waits. With Python's own 5 ms the thread that records holds up
the training, which gives the lock away at every operation of torch."""

DRY_RUN = "--dry-run"

OF_OPTIONS = ("Only one of --", "The --resolve flag", "Expecting one subcommand", "File ")
"""How Hydra's words begin on options that do not go together."""

FULL_ERROR = "HYDRA_FULL_ERROR"
"""Hydra's own switch: its errors are raised, and come here, instead of being printed by it."""


def main() -> int:
    """Run the command in ``sys.argv``.

    Returns:
        0 where everything trained or was found to fail by itself; 1 for a crash; 2 for bad input; 128 + n where
        signal n stopped it.
    """
    spare_the_command()
    STOP.end_at_once()
    keep_secrets_out_of_tracebacks()
    words = sys.argv[1:]
    if JSON not in words:
        return _train(words)
    from lrscope.cli.train_answer import train_answer

    with json_alone() as print_answer:
        code = _train([word for word in words if word != JSON])
        answer = train_answer(_ended, code)
        print_answer(answer)
    return answer.exit_code


def _train(words: Sequence[str]) -> int:
    gc_pause.pause()
    from hydra._internal.utils import get_args_parser

    try:
        left = [word for word in words if word != DRY_RUN]
        if len(left) < len(words) and JSON in sys.argv:
            raise InputError(Problem(DRY_RUN, "", f"has no answer for {JSON}", "Leave one of the two out."))
        ordered = options_first(left, get_args_parser()._option_string_actions)
        return run_command(ordered, dry_run=len(left) < len(words)).code
    except LrscopeError as error:
        return tell(error)
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except Interrupted as stop:  # the second signal, wherever it came: what is not closed a later command closes
        return tell(stop)
    finally:
        gc_pause.leave()


_ended = Ended()
"""Of the command that this process runs: Hydra hands nothing back."""


def is_dry_run() -> bool:
    """Whether the command of this process only tells what it would train."""
    return _dry_run


_dry_run = False


def run_command(words: Sequence[str], told: bool = True, dry_run: bool = False) -> Ended:
    """Run a command in this process, which must not be running another.

    Args:
        words: those of the command line.
        told: whether errors are printed; else they are in what comes back alone.
        dry_run: whether everything is checked and told, and nothing trained.
    """
    global _dry_run, _ended
    if str(sys.platform) == "win32":
        from lrscope.core.unsupported_system import refuse_windows

        refuse_windows()
    _dry_run = dry_run
    import hydra

    if (before := sys.modules.get("lrscope.config.imported")) is not None:  # of an earlier command of this process
        before.forget_failed_imports()
    _ended = ended = Ended()
    print_errors(told)
    sys.argv[1:] = words
    sys.setswitchinterval(SWITCH_S)
    schema.register()
    _keep_quiet()
    find_the_users_modules()
    try:
        entry = hydra.main(version_base="1.3", config_path=str(first_folder(words)), config_name="train")(job)
    except LrscopeError as error:  # there is no folder to look in
        ended.code = tell(error)
    else:
        ended.code = _closed(entry)
    ended.error = ended.error or last_error()
    return ended


def _closed(entry: Any) -> int:
    """The exit code, once the sweep that was begun has been closed."""
    try:
        code = _exit_code(entry)
    except Interrupted as stop:
        code = tell(stop)
    except BaseException:  # of no kind that is known here: Python tells it, and no sweep stays RUNNING
        _close_sweep(1)
        raise
    return _close_sweep(code) or _code_of_records()


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
        return 128 + signal.SIGINT
    except (LrscopeError, Interrupted) as error:
        return tell(error)
    except Exception as error:
        if isinstance(error, (HydraException, OmegaConfBaseException)):
            if asked == "1":
                print(redacted_traceback(error), end="", file=sys.stderr)
            return _refused(error)
        return _broken_or_unexpected(error)
    finally:
        if asked is None:
            del os.environ[FULL_ERROR]
    return 0


def job(cfg: Any) -> Any:
    """One job of Hydra: a lone run or a member of a sweep. What stops a member must not stop the others."""
    from hydra.core.hydra_config import HydraConfig
    from hydra.types import RunMode

    from lrscope.config.overrides import run_config
    from lrscope.core.job import overrides_as_typed

    spare_the_command()  # a launcher's worker has not come by main
    alone = HydraConfig.get().mode == RunMode.RUN
    try:
        hydra = HydraConfig.get()
        whole = run_config(cfg, overrides_as_typed(hydra), hydra)
        outcome = _find(whole) if whole.find.enabled else _run(whole, alone)
    except Interrupted as stop:
        if alone and (left := Outcome.read(Path(hydra.runtime.output_dir))) is not None:
            _ended.run_id, _ended.store, _ended.outcomes = left.run_id, cfg.tracking.uri, (left,)
        if alone or _launched_here():
            raise SystemExit(tell(stop)) from None
        return None  # a worker: what became of its job stands in the ledger, and the command knows of the signal
    except LrscopeError as error:
        if alone:
            raise SystemExit(tell(error)) from None
        raise
    if alone and outcome is not None:
        _ended.run_id, _ended.store, _ended.outcomes = outcome.run_id, cfg.tracking.uri, (outcome,)
    if alone and outcome is not None and outcome.crashed:
        _ended.error = LrscopeError(f"the run crashed: {outcome.why}")
        raise SystemExit(1)
    return outcome


def _run(cfg: Any, alone: bool) -> Outcome:
    """Train a lone run, or a member, which its sweep may stop where that is a search."""
    from lrscope.runs.run import run_job

    if alone:
        return run_job(cfg)
    from lrscope.search.judging.stop_each import stop_alone

    return run_job(cfg, judged=stop_alone)


def _find(cfg: Any) -> Outcome | None:
    """Look for the rate of a lone job; what became of the training at it, where one was asked for."""
    from lrscope.runs.find_rate import find_job

    end = find_job(cfg)
    _ended.find_id, _ended.found, _ended.store = end.run_id, end.found, cfg.tracking.uri
    return end.outcome


def _refused(error: Exception) -> int:
    """Say what Hydra refuses: of a sweep everything that is wrong, of a lone run what is wrong with its words."""
    from lrscope.cli.explain_command import explain_command

    try:
        tell(explain_command(sys.argv[1:], error))
    except Exception as other:
        return _broken_or_unexpected(other)
    return 2


def _broken_or_unexpected(error: Exception) -> int:
    """What a YAML file is at fault for, in a line; else what nobody foresaw."""
    from lrscope.config.broken_file import broken_file, hydras_own

    broken = (hydras_own(error, sys.argv[1:]) if STOP.requested() is None else None) or broken_file(error)
    return _unexpected(error) if broken is None else tell(broken)


def _unexpected(error: Exception) -> int:
    """What nobody foresaw: told, and the command still ends as every other does."""
    if isinstance(error, ValueError) and str(error).startswith(OF_OPTIONS):
        print(f"error: {error}", file=sys.stderr)
        return 2
    if (number := STOP.requested()) is not None:
        return 128 + number  # what the signal broke on its way
    if isinstance(error, BrokenExecutor):
        words = "a process that trained members ended (killed, or out of memory), and the launcher gave up the others"
        print(f"error: {words}. Go on with resume=latest.", file=sys.stderr)
        return 1
    print(redacted_traceback(error), end="", file=sys.stderr)
    return 1


def _launched_here() -> bool:
    """Whether this process launched the sweep, and is not a worker of its launcher's."""
    lifecycle = sys.modules.get("lrscope.sweeps.lifecycle")
    return lifecycle is not None and lifecycle.current() is not None


def _close_sweep(code: int) -> int:
    """Close the sweep of this process, where there is one: on every way out, with the report of what there is."""
    if "lrscope.sweeps.lifecycle" not in sys.modules:
        return code
    from lrscope.sweeps.lifecycle import close_current, current

    sweep = current()
    code = close_current(code)
    if sweep is not None:
        _ended.sweep_id, _ended.store = sweep.log.run_id, sweep.settings.uri
        _ended.outcomes = tuple(sweep.outcomes().values())
        page = sweep.ledger.folder / "report" / "report.html"
        _ended.report = page if page.is_file() else None
    return code


def _code_of_records() -> int:
    """1 where something that was to be recorded is lost, or the store only says that it has it; the user was told."""
    sessions = sys.modules.get("lrscope.runs.shared_session")
    return 1 if sessions is not None and sessions.failed_to_record() else 0


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
        return f"warning: {redact(str(message))}\n"
    return redact(_in_full(message, category, filename, lineno, line))


_in_full = warnings.formatwarning
