"""What is known of a run before its first update, beside its config: of its data, its rate and its network.

``runs`` makes them, the diagnosis reads them.

    facts_of_run, peak_rate       from the config: all of them; the largest rate, and the key that sets it
    data_facts, constant_answer   from the training part: what can be reached on it, and by a constant answer
    network_facts                 from the network: what bounds its answers, which units are flat
"""

from lrscope.training.facts.data_facts import DataFacts, data_facts
from lrscope.training.facts.facts_of_run import run_facts, with_rate_of
from lrscope.training.facts.network_facts import with_network_facts
from lrscope.training.facts.peak_rate import peak_rate

__all__ = ["DataFacts", "data_facts", "peak_rate", "run_facts", "with_network_facts", "with_rate_of"]
