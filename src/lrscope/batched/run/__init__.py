"""Trains the members of a sweep as one batched model and leaves of each what it would leave if it trained alone.

The story, from the launcher down::

    launch             all jobs of a sweep: which can be stacked, how large a stack may be, what pays
        stack_key      which runs differ in numbers only, and why others cannot be stacked
        level_positions  members that a kill left a checkpoint apart
        searches       the members of a search: which compete, and who of them leaves at a rung
        autotune       together or one by one, said in one line and written on the parent
        tried_stack    a network and a batch to try that on
        preview        the same ahead of a sweep, for --dry-run
        members        what a run alone would have, made in the same order from the same seed
        train_batched  one stack: open the records, fit under Lightning, close each record when its member ends
            batched_module       one step of all members, as a LightningModule
            member_record        losses, rates and signals of all members to the LiveRun of each
            follow_members       evaluation, best weights, verdicts and early stopping at the end of an epoch
            member_checkpoint    each member's state in the form that its single run saves, and back
            probe_members        copies of those that need it, trained on together

Of LightningModules of the user's, whose steps are their own::

    steps_alone        hooks and changes that keep one from being trained with others
    module_trial       its steps under vmap and alone: what they come to is compared ahead of a stack
    module_member      the module with the optimizer and schedule that Lightning would get of it
    step_forward       its steps for all members at once: losses, and what each logs
    member_logs        what they log, in Lightning's own collection
    follow_modules     evaluated by their own steps, at the end of an epoch

The mathematics is in ``batched.model``; what a run does around its steps in ``training.live_run`` and ``runs.finish``.
"""
