"""``hydra/sweeper=search``: Hydra's own sweeper, and beside it intervals: ``-m 'lr=interval(1e-5,10)'``.

Hydra finds and calls it.

    config            what Hydra knows of it
    search_sweeper    the sweeper; imported at every start, so it is light
    _propose          batches that are proposed from what earlier ones came to
"""
