"""What is known of a run before its first update, beside its config: of its data, its rate and its network."""

from lrscope.training.facts.data_facts import DataFacts, data_facts
from lrscope.training.facts.network_facts import with_network_facts
from lrscope.training.facts.peak_rate import peak_rate
from lrscope.training.facts.run_facts import run_facts

__all__ = ["DataFacts", "data_facts", "peak_rate", "run_facts", "with_network_facts"]
