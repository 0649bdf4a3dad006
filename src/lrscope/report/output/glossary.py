"""Words that a newcomer does not know, each explained in one sentence where it stands: by hover, focus or touch."""

from __future__ import annotations

import re
from html import escape

from lrscope.core.verdict import Verdict
from lrscope.report.data.stored_sweep import PRUNED_WORDS

DEAD = "A unit is dead when it gives 0 for every input: no gradient passes through it, so it cannot recover."

TERMS = {
    "dead units": DEAD,
    "dead": DEAD,
    "spread": "How much the network's answers differ from one input to another, as a share of their size: at 0 it"
    " answers the same whatever it is shown.",
    "peak rate": "The highest learning rate of a run: the lr of its config, from which a schedule makes that of each"
    " step.",
    "LR sensitivity": "What a wrong rate costs on average over the swept rates, in units of the loss: 0 where any of"
    " them does as well (Wortsman et al. 2023).",
    "gradient norm": "The length of the gradient of the loss over all weights: how strongly an update pulls at them.",
    "constant answer": "What a network reaches that ignores its inputs and always gives the same answer.",
    "evidence": "Clear: at least three rates, the best of them between two others, and at least three seeds, none of"
    " which failed. Else tentative.",
    "Wilson interval": "Where the true share lies with 95% confidence, also where all or none of few seeds failed.",
    "t-interval": "Where the mean over many seeds would lie with 95% confidence, judging by the spread of these.",
    "steps to 90%": "Updates until a run had made 90% of the best improvement of all members.",
    PRUNED_WORDS: "A search ends the trials that are forecast to end worst, to train the others on. Such a run has not"
    " failed: nobody knows what it would have come to.",
    "cosine": "1 where an update points the same way as the one before, -1 where it points straight back.",
    **{verdict.label: f"{verdict.meaning.sentence[:1].upper()}{verdict.meaning.sentence[1:]}." for verdict in Verdict},
}

_ANY = re.compile(r"(?<![\w-])(" + "|".join(sorted(map(re.escape, TERMS), key=len, reverse=True)) + r")(?![\w-])")


def explained(text: str) -> str:
    """The text as HTML: escaped, with the first occurrence of each term explained."""
    seen: set[str] = set()
    parts: list[str] = []
    end = 0
    for found in _ANY.finditer(text):
        word = found.group(1)
        if TERMS[word] in seen:
            continue
        seen.add(TERMS[word])
        parts += [escape(text[end : found.start()]), term(word)]
        end = found.end()
    return "".join([*parts, escape(text[end:])])


def term(word: str, shown: str | None = None) -> str:
    """One term with its explanation; ``shown``: HTML that stands in the page in its place."""
    return f'<abbr tabindex="0" data-says="{escape(TERMS[word], quote=True)}">{shown or escape(word)}</abbr>'
