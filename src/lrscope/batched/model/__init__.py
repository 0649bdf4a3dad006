"""Many members trained as one batched model: pure torch, called by :mod:`lrscope.batched.run` and ``lrscope.probe``.

Who calls whom::

    batched_trainer      one step of all members: forward, backward, clip, update, move the rates
        stack            weights of all, a row each; views as parameters
        passes           a pass forward and back: as the network is written, or as a list of operations
            compiled_pass, within_rounding    that list compiled, where it pays and gives the same
            forward      vmap of the network
                layers, masks, images, recurrence    what vmap computes otherwise than a member alone does, or not
            losses       the mean loss of every member
            mixed_types  layers and losses under vmap and autocast in the types that they have alone
        update_rules     sgd, adam, adamw, rmsprop, adagrad
        group_updates    an update of all members, one parameter group after the other
            blocks       an update over a block of weights at a time that the cache holds
            update_coefficients    those of the coming updates
        numbers          the optimizers' rates, momenta, betas … per member
        member_rates     torch's own schedulers, a parameter group per member
        loss_scales      a loss scale per member, in float16
        optimizer_state  rows of the stack as torch's optimizers save them, and back
        clipping         clipping per member
        member_signals   gradient norm, update ratio and cosine per member
    stack_trial          a stack tried on one batch: does vmap take the network, are its gradients right, its cost
    evaluate_members     loss, accuracy and output spread of all over a whole part
    memory               how much memory a member takes, and how many fit

The batches are ``datasets.member_batches``: the same for all, or each member's own.
Members are independent: no number of one depends on another. A stack of the same members has the same bits each time;
one of more or fewer members, and a run alone, multiply in other shapes, and may be a rounding away.
"""
