"""The parts of ``benchmarks/corpus.py``: real short trainings whose true verdict is known."""
