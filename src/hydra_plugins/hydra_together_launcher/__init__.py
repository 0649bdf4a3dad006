"""``hydra/launcher=together``: members of a sweep that differ in numbers only train as one batched model.

Hydra finds and calls it.

    config               what Hydra knows of it
    together_launcher    the launcher; imported at every start, so it is light
    _launch              what it does
"""
