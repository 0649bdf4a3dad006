"""What a user writes: its types, what is wrong with it, and the objects that it names.

Training, runs, sweeps and the commands use it.

    schema         the types, registered with Hydra
    overrides      what Hydra composed -> the config of a run
    validate       every problem that can be seen on paper
    explain        what Hydra refuses, in plain words
    instantiate    what ``_target_`` names, made; its failures in plain words
    trust          which classes that a store names may be made
"""
