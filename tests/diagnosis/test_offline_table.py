"""The table of a sweep that no store has: what it says of a member is what the member's tags say."""

from __future__ import annotations

from pathlib import Path

from curves import run
from omegaconf import OmegaConf

from lrscope.core.ledger import Ledger
from lrscope.core.outcome import Outcome
from lrscope.core.trace import Trace
from lrscope.diagnosis import diagnose
from lrscope.runs.lifecycle import TRACE
from lrscope.sweeps.close import compare_verdicts, plain_table
from lrscope.sweeps.current import CurrentSweep
from lrscope.tracking import RunStart, Session, TrackingSettings, open_session
from lrscope.tracking.journal import events as ev
from lrscope.tracking.journal.journal import Journal

STUCK, GOOD = [1.6] * 40, [1.6 * 0.8**k for k in range(20)] + [0.02] * 20


def left(session: Session, folder: Path, name: str, trace: Trace) -> Outcome:
    """A member that has ended, judged by itself."""
    log = session.start(RunStart("e", name, "member", local_id=name * 16))
    log.end("FINISHED")
    outcome = Outcome(name, log.local_id, "FINISHED", diagnose(trace).verdict.label, "", 0.1, name)
    outcome.write(folder)
    trace.save(folder / TRACE)
    return outcome


def test_says_what_the_tags_say(tmp_path: Path) -> None:
    settings = TrackingSettings("offline", None, tmp_path / "spool")
    session = open_session(settings)
    log = session.start(RunStart("e", "sweep", "sweep", local_id="s" * 16))
    ledger = Ledger.new(tmp_path / "sweep")
    members = {
        number: left(session, ledger.place(number), name, run(curve))
        for number, (name, curve) in enumerate((("a", STUCK), ("b", GOOD)))
    }
    sweep = CurrentSweep(OmegaConf.create({}), ledger, None, settings, session, log)
    compared = compare_verdicts(sweep, members)
    session.close()
    assert compared[0].verdict == "stalled" != members[0].verdict
    tags = [e.tags for e in Journal.of(settings.spool, "a" * 16).events() if isinstance(e, ev.Tags)]
    assert tags[-1]["lrscope.verdict"] == compared[0].verdict
    assert "stalled" in plain_table(compared.values()) and members[0].verdict not in plain_table([compared[0]])
    assert Outcome.read(ledger.place(0)) == compared[0]
