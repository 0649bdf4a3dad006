"""One network trained by Lightning: how it is built, stepped, evaluated, measured and recorded.

``runs`` trains with it, and ``batched`` uses its parts; it knows no store.

    build, lightning_module, trainer    config -> objects -> what Lightning steps
    parameter_groups                    parts of a network with numbers of their own, or frozen
    facts                               what is known before the first update: of rate, data, network
    supported, objective                what can be trained; the loss that a config names, and what it takes
    rehearsal                           a real batch through the parts before a run is made
    user_loader, user_callbacks         a user's DataModule and callbacks, looked at before a run is made
    resumable_loader                    a user's loader whose epochs are the same in every process
    evaluation, metric_meter, in_units  loss, accuracy and metrics over a whole part; a loss in the user's own unit
    measures, recording, callbacks      what is measured; which of it is kept; when, and when to stop
    live_run, best_weights              what an epoch's end records, keeps and decides, alone or in a stack
    checkpoint_folder, checkpoint_state checkpoints on disk, and what is in one
    threads, generators, distributed    processor threads, random numbers, several processes
    fast_hooks, kept_memory             time saved; what each saves stands in docs/performance.md
"""
