"""What a user writes: its types, what is wrong with it, and the objects that it names.

Training, runs, sweeps and the commands use it.

    schema         the types, registered with Hydra
    overrides      what Hydra composed -> the config of a run; given_paths: the files that it names
    left_behind    what an option leaves in its group where a YAML file exchanges its class
    validate       every problem that can be seen on paper; monitors: of the metrics that somebody looks at;
                   duration: a time limit as Lightning writes it
    check_trainer  what Lightning's Trainer would take and not do
    like_default   values of another type than the option's own file has; like_annotation: than its argument takes
    check_classes  whether a group names a class
    check_sampling whether anybody could sample the machine
    engine_options what each engine of a sweep may be told, and needs
    typed_secrets  passwords, which Hydra would write to disk
    group_options  several options of a group, or one without its class
    hydra_folders  Hydra's folders that refer to what is not there
    closed_keys    keys that nothing reads; in_vain: keys that want another one beside them
    typed_twice    what a later word for the same key replaces
    find_asked     what a find cannot go with
    explain        what Hydra refuses, in plain words; suggest, nearest_class: what was meant
    broken_file    a YAML file that cannot be read or composed: which one, and why
    instantiate    what ``_target_`` names, made; its failures in plain words
    imported       what a dotted name stands for; one that fails is imported once a command
    lightning_names  whether a class is a LightningModule, without loading Lightning
    trust          what of a stored command is believed; trusted_kinds: which classes it may name
"""
