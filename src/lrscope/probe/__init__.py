"""Where a verdict or its advice hangs on what training would do, it is done, on copies of the run.

``runs``, ``sweeps`` and ``batched.run`` use it at the end of a run or a sweep.

What more steps would do::

    budget               how far a copy may go
    probes               what to train copies on for
    continue_training    copies of one run, trained on

What would have trained instead::

    rounds               all that is tried for a failed run, one round after the other, and what came of it
    trial_plan           which rates, and what else than the rate
    try_out              copies trained from the run's start, each with something changed
    trial_start          that start, and a change
    copies               trained as one model, or one by one
    clock                how long it may take

Which rate is best, ahead of a run::

    horizon_plan         how far copies go, and at which share of their rates
    horizons             trained to the ends of that
    noise_scale          the batch size from which larger batches bring little
"""
