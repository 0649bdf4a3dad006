"""The diagnosis in a training that somebody else runs: it looks on through hooks, and changes nothing.

watch             ``lrscope.watch``: a loop of one's own in PyTorch
lightning         a callback for Lightning's Trainer
watched_run       what watch gives back: losses in, verdicts out
unwrapped         the model and the optimizers under what wraps them; what is refused
optimizer_steps   counts updates, and reads what each uses, from the optimizers' own hooks
forward_pass      dead units and spread of the outputs, from a measured forward pass
measuring_budget  how much of the time may be measured away
watch_facts       what optimizers and model tell beside the curves
watch_record      where it is recorded: a run of MLflow's that is open, one of its own, or memory
"""
