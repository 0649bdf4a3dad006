"""One network trained by Lightning: how it is built, stepped, evaluated, measured and recorded.

``runs`` trains with it, and ``batched`` uses its parts; it knows no store.

    build, lightning_module, trainer    config -> objects -> what Lightning steps
    parameter_groups, head_and_body     parts of a network with numbers of their own, or frozen; which is its head
    pretrained, copied_network          weights of another training; copies that hold what is frozen once
    facts                               what is known before the first update: of rate, data, network
    supported, objective                what can be trained; the loss that a config names, and what it takes
    rehearsal, first_step               a real batch through the parts, and an update, before a run is made
    expected_input, left_out, untrained what a first layer takes; parameters unknown to torch, or to the optimizer
    lightning_class, user_module        a LightningModule of the user's, with its own steps and metrics
    user_loader, user_callbacks         a user's DataModule and callbacks, looked at before a run is made
    resumable_loader                    a user's loader whose epochs are the same in every process
    evaluation, metric_meter, in_units  loss, accuracy and metrics over a whole part; a loss in the user's own unit
    measures, recording, callbacks      what is measured; which of it is kept; when, and when to stop
    time_limit                          how long a run has trained, and whether that is enough
    live_run, best_weights              what an epoch's end records, keeps and decides, alone or in a stack
    checkpoint_folder, checkpoint_state checkpoints on disk, and what is in one
    threads, generators, distributed    processor threads, random numbers, several processes
    fast_hooks, kept_memory             time saved; what each saves stands in docs/performance.md
"""
