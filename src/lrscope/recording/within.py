"""Where a run of few epochs is evaluated besides the ends of its epochs."""

from __future__ import annotations

from dataclasses import dataclass

from lrscope.trace import RunFacts

FEW_EPOCHS = 16
"""A run of fewer epochs has too few evaluations at their ends to tell a bounce from a fall."""

EVALUATIONS = 32
"""Evaluations, ends of epochs among them, that tell it. On the tuning draws of the corpus 16 or 24 leave a quarter more
mistakes between too slow and trained; 48 or 96 leave as many.
"""

LEAST_EVALUATIONS = 4
"""Fewer are not worth the curve."""

MOST_EXAMPLES = 50_000
"""All evaluations together put at most so many examples through the network: milliseconds for a small one."""

MOST_WORK = 500_000_000
"""And take at most so many multiply-adds, about a tenth of a second of one core: large networks get fewer."""


@dataclass(frozen=True)
class WithinEpochs:
    """The steps behind which the training part is evaluated, spread evenly over a run of fewer than ``FEW_EPOCHS``.

    They depend on counts alone, so that a resumed run and a member of a stack leave the record of a run alone.

    steps: updates of the whole run. examples: size of the training part, None where it is not known.
    """

    steps: int
    steps_per_epoch: int
    examples: int | None

    @classmethod
    def of(cls, facts: RunFacts, every_epochs: int = 1) -> WithinEpochs:
        """For a run of these facts. Who wants only every n-th epoch evaluated wants no more within them."""
        steps, per_epoch = facts.planned_steps or 0, facts.steps_per_epoch or 0
        return cls(steps, per_epoch, facts.examples if every_epochs == 1 else None)

    def after(self, work: int) -> frozenset[int]:
        """The steps (0 is the first update) behind which to evaluate; never the last one of an epoch.

        Args:
            work: multiply-adds that one example takes.
        """
        if not self.examples or self.steps >= FEW_EPOCHS * self.steps_per_epoch:
            return frozenset()
        most = min(MOST_EXAMPLES, MOST_WORK // max(1, work))
        count = min(EVALUATIONS, most // self.examples, self.steps)
        if count < LEAST_EVALUATIONS:
            return frozenset()
        ends = (-(-k * self.steps // count) for k in range(1, count + 1))
        return frozenset(end - 1 for end in ends if end % self.steps_per_epoch)
