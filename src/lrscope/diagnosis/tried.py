"""Advice from what was tried: which trial to follow, and what was seen, in words."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace

from lrscope.core.run_facts import RunFacts
from lrscope.core.trials import (
    CLIPPING,
    DECAY,
    FRESH,
    INPUTS,
    LONGER,
    RATE,
    RESET,
    SCHEDULE,
    STANDARDISED,
    Trial,
    Trials,
)
from lrscope.core.verdict import Cause, Diagnosis, Finding, Verdict
from lrscope.diagnosis.causes import about_the_rate
from lrscope.diagnosis.data_causes import no_rate_helps
from lrscope.diagnosis.signals.run_signals import RunSignals

BETTER = 0.1
"""Share of the fall by which something else than the rate must come further down than any rate to be named first."""
NEAR = 0.03
"""Share of the fall within which two rates do equally well: the lower one is then further from those that fail."""
SPARE = 1.5
"""Forecasts of how long it takes are short rather than long."""
NO_END_IN_SIGHT = 10.0
"""So many times what a trial took is told where no forecast says how long it falls."""
SHOWN = 3
"""So many of the rates that train are told, the nearest to the one that is advised."""


def with_trials(diagnosis: Diagnosis, signals: RunSignals) -> Diagnosis:
    """The diagnosis with the advice that trials gave, in the findings whose advice is about the rate."""
    trials = signals.facts.trials
    if trials is None or not trials.tried:
        return diagnosis
    return Diagnosis(tuple(_advised(finding, signals, trials) for finding in diagnosis.findings))


def _advised(finding: Finding, signals: RunSignals, trials: Trials) -> Finding:
    facts = signals.facts
    if not about_the_rate(finding.verdict) or not (finding.verdict.failed or finding.verdict is Verdict.TOO_SLOW):
        return finding
    if no_rate_helps(signals):
        return finding
    if finding.verdict is Verdict.TOO_SLOW:
        told = _faster(finding, signals, trials)
        if not finding.not_the_rate or told is finding:
            return _beside(told, finding)
        return replace(told, advice=f"{finding.advice}; as it is, {told.advice}", rate=None)
    chosen = follow(trials)
    if chosen is None:
        return _nothing_helps(finding, facts, trials)
    if chosen.what == RATE:
        advice = f"start with {_words(chosen, facts)}: {_seen(chosen, trials, facts)}"
        told = _told(finding, advice, chosen, facts)
        if not finding.not_the_rate:
            return _beside(told, finding)
        return replace(told, advice=f"{finding.advice}; as it is, {advice}", rate=None)
    rate = _rate(chosen, facts)
    it_is = f"it is {_CAUSES[chosen.what]}: {_changed(chosen)} it trains at {facts.rate_key}={rate:.4g}"
    # with other inputs or weights it did not begin where the run did
    fell = f"the loss fell {f'from {trials.first:.4g} ' if _fall(trials, chosen) else ''}to {chosen.loss:.4g}"
    told = _told(finding, f"{_words(chosen, facts)}: {_length(chosen)} {fell}{_none_helped(trials)}", chosen, facts)
    cause = Cause(chosen.what, it_is, _words(chosen, facts))
    return replace(told, why=f"{finding.why}; {it_is}", rate=None, causes=(cause, *finding.causes))


def _beside(told: Finding, finding: Finding) -> Finding:
    """What was tried, and what else than the rate might be changed."""
    others = [cause.remedy for cause in finding.causes if not cause.instead and told is not finding]
    return replace(told, advice="; or ".join([told.advice, *others]))


def _told(finding: Finding, advice: str, chosen: Trial, facts: RunFacts) -> Finding:
    changes = {key: value for key, value in chosen.changes.items() if (key, value) != (facts.rate_key, facts.peak_lr)}
    rate = chosen.changes.get(facts.rate_key)
    return replace(finding, advice=advice, rate=rate, otherwise="", changes=changes)


def _faster(finding: Finding, signals: RunSignals, trials: Trials) -> Finding:
    """Of a slow run: a rate at which as many updates are enough, else more updates; else the best that was seen."""
    facts = signals.facts
    chosen = fastest(trials, signals.end)
    if chosen is None:
        return finding
    if chosen.settled and chosen.what == LONGER:
        seen = f"{_length(chosen)} the loss fell to {chosen.loss:.4g}, and hardly further in as many again"
        return _told(finding, f"{_words(chosen, facts)}: {seen}", chosen, facts)
    start = f"start with {_words(_at_its_rate(chosen, facts), facts)}: "
    start += (
        f"{_length(chosen)} the loss fell to {chosen.loss:.4g}"
        if chosen.what == LONGER
        else _seen(chosen, trials, facts)
    )
    if chosen.settled:
        return _told(finding, f"{start}; as many updates again brought next to nothing more", chosen, facts)
    length = _length_to_try(chosen, trials, facts)
    if length is None:
        return _told(finding, f"{start}; it still fell then", chosen, facts)
    guess = "by a forecast" if chosen.times is not None else "as a guess"
    words = f"{start}; it still fell then: train longer, too, {guess} {facts.length_key}={length}"
    told = _told(finding, words, chosen, facts)
    return replace(told, changes={**told.changes, facts.length_key: length})


def _at_its_rate(trial: Trial, facts: RunFacts) -> Trial:
    """Of a longer one what it changed beside the length, which is told by itself."""
    return replace(trial, changes={key: value for key, value in trial.changes.items() if key != facts.length_key})


def _length_to_try(chosen: Trial, trials: Trials, facts: RunFacts) -> int | None:
    """So many epochs, or updates where these say how long a run is, a trial is forecast to take until it falls no
    further, with some to spare; at least twice what it took, and what it was to take. None where the run's own length
    is enough, or that is not known in epochs.
    """
    unit = 1 if facts.length_key == "max_steps" else facts.steps_per_epoch
    if not unit:
        return None
    times = SPARE * chosen.times if chosen.times is not None else NO_END_IN_SIGHT
    length = max(math.ceil(max(times, 2.0) * chosen.updates / unit), int(chosen.changes.get(facts.length_key, 0)))
    return length if length * unit > trials.planned else None


def fastest(trials: Trials, end: float) -> Trial | None:
    """What to follow in place of a run that was too slow and ended at this loss: of the trials that are at their end,
    and about as far down as any, a rate alone before more updates; else whichever came furthest down.
    """
    better = [trial for trial in trials.working(RATE, LONGER) if trial.loss < end]
    by_rate = _lowest(trial for trial in better if trial.what == RATE)
    for best in filter(None, (by_rate, _lowest(better))):
        near = BETTER * _fall(trials, best)
        settled = [t for t in better if t.settled and t.what == best.what and t.loss - best.loss <= near]
        if settled:
            return _lowest(settled)
    return _lowest(better)


def follow(trials: Trials) -> Trial | None:
    """The trial whose changes are advised: the rate that came furthest down; something else than the rate where no
    rate works, or where it comes clearly further down, the first of those that do as well.
    """
    rate, other = _safest(trials), trials.working(SCHEDULE, DECAY, CLIPPING, FRESH, INPUTS)
    lowest = _lowest(other)
    if lowest is None or (rate is not None and rate.loss - lowest.loss <= BETTER * _fall(trials, rate)):
        return rate
    close = [t for t in other if t.loss - lowest.loss <= BETTER * _fall(trials, lowest)]
    return min(close, key=lambda trial: _ORDER.index(trial.what))


def _safest(trials: Trials) -> Trial | None:
    """The lowest of the rates that do about as well as any."""
    best = _lowest(trials.working(RATE))
    if best is None:
        return None
    near = [t for t in trials.working(RATE) if t.loss - best.loss <= NEAR * _fall(trials, best)]
    return min(near, key=lambda trial: min(v for v in trial.changes.values() if isinstance(v, float)), default=best)


def _fall(trials: Trials, trial: Trial) -> float:
    """How far it came down from where the run began: 0 where it began elsewhere (other inputs or weights) and ended
    higher, or the run began with no finite loss.
    """
    fall = trials.first - trial.loss
    return fall if math.isfinite(fall) and fall > 0 else 0.0


def _lowest(tried: Iterable[Trial]) -> Trial | None:
    return min(tried, key=lambda trial: trial.loss, default=None)


_ORDER = (SCHEDULE, DECAY, CLIPPING, INPUTS, FRESH)
_CAUSES = {
    SCHEDULE: "the schedule", DECAY: "the weight decay", CLIPPING: "the clipping, or the want of it",
    INPUTS: "the scale of the inputs", FRESH: "the initialisation",
}  # fmt: skip
_CHANGED = {
    SCHEDULE: "at a constant rate", DECAY: "without weight decay", CLIPPING: "with and without clipping",
    INPUTS: "with standardised inputs", FRESH: "from torch's own initial weights",
}  # fmt: skip
_KEYS = {
    RESET: "initialise the layers as torch does by itself (model.init=default of lrscope's own)",
    STANDARDISED: "standardise the inputs",
}


def _changed(trial: Trial) -> str:
    if trial.what != CLIPPING:
        return _CHANGED[trial.what]
    limit = trial.changes["trainer.gradient_clip_val"]
    return "without clipping" if limit is None else f"with the gradient clipped at {limit:g}"


def _words(trial: Trial, facts: RunFacts) -> str:
    """``lr=0.01``, ``optimizer.weight_decay=0``; words where there is no key. Of a cause not the rate of the run."""
    changes = dict(trial.changes)
    if trial.what not in (RATE, LONGER) and changes.get(facts.rate_key) == facts.peak_lr:
        del changes[facts.rate_key]
    parts = [_KEYS.get(key) or f"{key}={_value(value)}" for key, value in changes.items()]
    return " and ".join(parts) if trial.what in (RATE, LONGER) else ", with ".join(parts)


def _value(value: object) -> str:
    return "null" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)


def _seen(chosen: Trial, trials: Trials, facts: RunFacts) -> str:
    """``tried for 200 updates from the same start: 0.03 and 0.01 fall (to 0.12 and 0.3), 0.1 does not``."""
    mine = _rate(chosen, facts)
    tried = sorted(trials.of(RATE), key=lambda trial: _rate(trial, facts))
    work = [t for t in tried if t.works]
    near = sorted(work, key=lambda t: abs(math.log(_rate(t, facts) / mine)))[:SHOWN]
    near.sort(key=lambda t: t.loss)
    fall = "falls" if len(near) == 1 else "fall"
    text = f"{_length(chosen)}: {_list(_rate(t, facts) for t in near)} {fall} (to {_list(t.loss for t in near)})"
    above = [t for t in tried if not t.works and _rate(t, facts) > mine][:1]
    below = [t for t in tried if not t.works and _rate(t, facts) < mine][-1:]
    return text + "".join(f", {_rate(t, facts):.3g} {_not(t, trials)}" for t in [*below, *above])


def _not(trial: Trial, trials: Trials) -> str:
    return "hardly moves it" if math.isfinite(trial.loss) and trial.loss < trials.first else "does not"


def _length(trial: Trial) -> str:
    return f"tried for {trial.updates:,} updates from the same start"


def _none_helped(trials: Trials) -> str:
    return "" if trials.working(RATE) else "; no other rate helped by itself"


def _nothing_helps(finding: Finding, facts: RunFacts, trials: Trials) -> Finding:
    rates = sorted({_rate(t, facts) for t in trials.of(RATE)})
    most = max(t.updates for t in trials.tried)
    others = [_CHANGED[kind] for kind in _ORDER if trials.of(kind)]
    what = [f"{facts.rate_key} from {rates[0]:.2g} to {rates[-1]:.2g}"] if rates else []
    seen = f"nothing that was tried for up to {most:,} updates from the same start makes it train"
    first = finding.advice if finding.not_the_rate else "look at the data, the labels and the network"
    advice = f"{first}: {seen} ({', '.join([*what, *others])})"
    causes = finding.causes or (Cause("nothing that was tried", seen, first),)
    return replace(finding, advice=advice, rate=None, otherwise="", changes={}, causes=causes)


def _rate(trial: Trial, facts: RunFacts) -> float:
    return float(trial.changes.get(facts.rate_key, facts.peak_lr or math.nan))


def _list(numbers: Iterable[float] | Sequence[float]) -> str:
    words = [f"{number:.3g}" for number in numbers]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
