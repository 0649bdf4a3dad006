"""The finding of a find in sentences."""

from __future__ import annotations

from collections.abc import Iterator

from lrscope.core.found_rate import FoundRate, NoiseScale, RateAt, WarmUp
from lrscope.core.run_facts import RunFacts


def headline(found: FoundRate, key: str) -> str:
    """The rate for the planned updates, in one line; or why it cannot be told.

    Args:
        key: of the config, that sets the rate.
    """
    measured = f"measured at {_listed(one.updates for one in found.optima)} updates" if found.optima else ""
    if found.best is None:
        words = f"cannot tell {key} for {found.planned:,} updates: {found.why_not}"
        return "; ".join(part for part in (words, _failing(found), measured) if part)
    best = found.best
    words = f"{key}={found.lr:g} for {best.updates:,} updates ({_range(best)}, 80% interval)"
    return "; ".join(part for part in (words, _failing(found), measured) if part)


def further_lines(found: FoundRate, facts: RunFacts) -> tuple[str, ...]:
    """How sure it is, what the law says of longer runs and of larger batches, whether a warm-up is needed, what it
    took, and what speaks against it.
    """
    lines = []
    if found.best is not None:
        lines.append(f"within a factor of 2 of the best rate with {found.sure:.0%}")
        longer = ", ".join(f"{one.rate:.2g} ({_range(one)}) for {one.updates:,}" for one in found.longer)
        lines.append(f"the best rate falls as updates^{found.slope:.2f}: {longer} updates")
    if found.warm_up is not None:
        lines.append(_warm_up(found.warm_up, facts))
    if found.noise is not None:
        lines.append(_noise(found.noise, facts.optimizer == "SGD"))
    return (*lines, f"each copy took {found.spent:.0%} of the updates of a run", *found.cautions)


def _warm_up(seen: WarmUp, facts: RunFacts) -> str:
    key = facts.rate_key
    limit = ""
    if seen.limit is not None:
        limit = f"; where the loss curves as at the start, {facts.optimizer} is stable up to {seen.limit:.2g}"
    if seen.updates == 0:
        return f"no warm-up is needed: up to {key}={seen.steady:.2g} no loss rose in the first updates{limit}"
    steady = f"; up to {seen.steady:.2g} it did not rise" if seen.steady else ""
    return (
        f"warm up over about {seen.updates:,} updates: at {key}={seen.rate:.2g} the loss rose by {seen.rise:.0%} at"
        f" first and was back after {seen.back:,} updates{steady}{limit}"
    )


def _noise(noise: NoiseScale, in_proportion: bool) -> str:
    """By the rules of McCandlish et al. 2018: SGD's rate grows in proportion, that of Adam and its like as the root."""
    size, most = noise.batch_size, f"{noise.examples:,.2g}" if noise.examples < 10 else f"{noise.examples:,.0f}"
    measured = f"gradient noise scale after {noise.updates:,} updates:"
    if noise.examples <= size:
        return f"{measured} {most} examples, the batch of {size:,} is above it: a larger one brings little"
    rule = "in proportion to it" if in_proportion else "as its square root"
    about = "at least" if noise.at_least else "about"
    return f"{measured} {about} {most} examples: up to such a batch (now {size:,}) the rate may grow {rule}"


def _failing(found: FoundRate) -> str:
    return f"copies fail from {found.fails_from:.2g}" if found.fails_from is not None else ""


def _range(one: RateAt) -> str:
    return f"{one.low:.2g} to {one.high:.2g}"


def _listed(counts: Iterator[int]) -> str:
    *first, last = (f"{count:,}" for count in counts)
    return f"{', '.join(first)} and {last}" if first else last
