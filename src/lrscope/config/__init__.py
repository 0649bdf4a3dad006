"""What a user writes: its types, what is wrong with it, and the objects that it names.

Training, runs, sweeps and the commands use it.

    schema         the types, registered with Hydra
    overrides      what Hydra composed -> the config of a run
    validate       every problem that can be seen on paper
    closed_keys    keys that nothing reads; in_vain: keys that want another one beside them
    explain        what Hydra refuses, in plain words; suggest, nearest_class: what was meant
    instantiate    what ``_target_`` names, made; its failures in plain words
    trust          which classes that a store names may be made
"""
