"""A case of the corpus trained in a plain loop with ``lrscope.watch`` and nothing else of lrscope's."""

from __future__ import annotations

import math

import torch
from corpus_parts.cases import Case
from corpus_parts.training import Run

import lrscope
from lrscope.core.trace import Trace


def watched(case: Case) -> Trace:
    """What ``with lrscope.watch(model, optimizer) as w`` sees: the loss of each batch is told, and by epoch the
    validation loss. No copies, no loss before training, no word on how long it will be or what is learned.
    """
    run = Run(case)
    with lrscope.watch(run.model, run.optimizer, record="memory") as w:
        for step, batch in zip(range(run.steps), run.batches(), strict=False):
            loss = run.update(batch, run.rate.at(step))
            w.step(loss)
            if not math.isfinite(float(loss)):
                break
            if (step + 1) % run.per_epoch == 0:
                run.rate.observe(_evaluated(run, w, float(loss)))
    return w.trace


def _evaluated(run: Run, w: lrscope.Watch, loss: float) -> float:
    """The validation loss, told; the batch's where there is no validation part: what a plateau schedule looks at."""
    if run.data.val_inputs is None or run.data.val_targets is None:
        return loss
    run.model.eval()
    with torch.no_grad():
        val = float(run.loss(run.model(run.data.val_inputs), run.data.val_targets))
    run.model.train()
    w.evaluate(val_loss=val)
    return val
