"""Trains the members of a sweep as one batched model and leaves of each what it would leave if it trained alone.

The story, from the launcher down::

    launch            all jobs of a sweep: which can be stacked, how large a stack may be, what pays
    stack_key         which runs differ in numbers only, and why others cannot be stacked
    stack_trial       a stack tried on one batch: does vmap take the network, are its gradients right, what a step costs
    autotune          together or one by one, said in one line and written on the parent
    group             one stack: open the records, fit under Lightning, close each record when its member ends
    members           what each member brings, made as its single run makes it
    batched_module    one step of all members, as a LightningModule
    member_record     losses, rates and signals of all members, to the LiveRun of each
    follow_members    the ends of steps and epochs: evaluations, and which members end
    probe_members     copies of members trained on, together
    member_checkpoint each member's state in the form that its single run saves

The mathematics is in ``batched.model``; what a run does around its steps in ``training.live_run`` and ``runs.finish``.
"""
