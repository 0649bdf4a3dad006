"""Numbers that are derived from a trace; the detectors look at nothing else.

The detectors and the probe use them.

    aliases         other programs' names of metrics -> lrscope's
    run_signals     all numbers of one run, each computed at most once
    level           where a noisy loss stands; continuation: what as many steps again would bring
    rates           the rate of every step; chance: what a constant answer reaches; learned: held against that, with
                    held_out: the same of the validation part; turned: a validation loss that was lower before
    movement        how far the updates can have taken the weights; fall_shown: whether losses of batches fell at all
    probed          what copies of the run did that were trained on; eval_steps: where their loss is looked at
"""
