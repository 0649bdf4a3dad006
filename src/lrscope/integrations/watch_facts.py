"""What the optimizers and the network of a watched training tell, beside its curves."""

from __future__ import annotations

from torch import nn
from torch.optim import Optimizer

from lrscope.core.run_facts import RunFacts
from lrscope.training.facts import with_network_facts


def watched_facts(
    network: nn.Module, optimizers: tuple[Optimizer, ...], planned_steps: int | None, task: str | None
) -> RunFacts:
    """The facts of a training as it begins. Its first optimizer speaks for it."""
    first = optimizers[0]
    group = first.param_groups[0]
    rates = [float(each["lr"]) for optimizer in optimizers for each in optimizer.param_groups]
    betas, decay, eps = group.get("betas"), group.get("weight_decay"), group.get("eps")
    facts = RunFacts(
        peak_lr=max(rates),
        optimizer=type(first).__name__,
        momentum=group.get("momentum"),
        nesterov=bool(group.get("nesterov", False)),
        beta1=float(betas[0]) if betas else None,
        planned_steps=planned_steps,
        task=task,
        weight_decay=float(decay) if isinstance(decay, (int, float)) else None,
        eps=float(eps) if isinstance(eps, (int, float)) else None,
    )
    return with_network_facts(facts, network, None)
