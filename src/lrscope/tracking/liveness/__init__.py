"""Which process records a run, and what becomes of a run whose process is gone."""
