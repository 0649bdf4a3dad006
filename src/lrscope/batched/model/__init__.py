"""Many members trained as one batched model.

Who calls whom::

    hydra_plugins/hydra_together_launcher    all jobs of a sweep -> train_group(...) -> Hydra's run_job for each
        train_group        one group: build, train, record, close          (sessions, checkpoints, RunRecorder
        per member)
            Learner        one step of all members                          (pure torch from here on down)
                Stack      weights of all, a row each; views as parameters Forward    vmap of the network;
                layers, masks: what vmap would compute otherwise than one member does rules      sgd, adam,
                adamw, rmsprop, adagrad; numbers: their rates, momenta, betas … per member Rates      torch's
                own schedulers, a parameter group per member Clipper    clipping per member signals    gradient
                norm, update ratio and cosine per member
            MemberBatches  the same batches for all, or each member's own
            evaluate       loss, accuracy and output spread of all over a whole part

Members are independent: no number of one depends on another. A stack of the same members has the same bits each time;
one of more or fewer members, and a run alone, multiply in other shapes, and may be a rounding away.
"""
