"""Trains the members of a sweep as one batched model and leaves of each what it would leave if it trained alone.

The story, from the launcher down::

    launch        all jobs of a sweep: which can be stacked, how large a stack may be, what pays
        alike     which runs differ in numbers only, and why others cannot be stacked trial     try a stack on
        one batch: does vmap take the network, are its gradients right, what does a step cost choice    together
        or one by one, said in one line and written on the parent training  one stack: open the records, fit
        under Lightning, close each record when its member ends
            module      one step of all members, as a LightningModule
            record      losses, rates and signals of all members to one RunRecorder each
            epochs      evaluation, best weights, verdicts and early stopping at the end of an epoch
            checkpoint  each member's state in the form that its single run saves, and back

The mathematics is in :mod:`lrscope.together`.
"""
