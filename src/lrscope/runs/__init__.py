"""The story of one run: prepared, trained, recorded, resumed.

``run`` tells it; sweeps and the commands call that. ``batched.run`` uses the parts.

    run               one job of a command
    train_single      its training, the stages, each a call
    finish            what every run leaves at its end, trained alone or in a stack
    prepare           data, number of steps, fingerprint, name
    place_data        the data where it trains
    fit               network, callbacks and trainer assembled, and trained
    fit_user_module   the same of a LightningModule of the user's
    looked_at         the metrics that decide anything in a run
    run_length        how long it is to train, and how often it is evaluated
    lifecycle         the record opened, and concluded with verdict, note and status
    surroundings      what it ran in: Python, packages, code that no commit has
    probe_run         copies trained on at the end
    try_advice        where it failed, copies trained from its start to say what would train
    trial_start_of    that start, from the config
    find_rate         copies of a run at many rates, the law of the best, and the training at it
    find_start        what that needs of the run
    find_evidence     whether the rate needs a warm-up, and up to which batch size it may grow
    artifacts         checkpoints and the model into the record
    trained_otherwise    says where a resumed run is computed in other shapes than before
    resume            what an earlier command did is not done again
    follow_launcher   a job in a process of its own stops with the command that launched it
    shared_session    the one tracking session of this process
"""
