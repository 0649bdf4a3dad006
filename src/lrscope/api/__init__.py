"""What ``import lrscope`` gives: the command line's trainings, called from Python. Users' code and notebooks use it.

calls           train, sweep and find: a call becomes the words of a command, which runs in this process
call_words      keyword arguments and objects as words of the command line
undisturbed     what belongs to the caller is as it was when a call returns
stored_model    the trained network of a run, without unpickling anything
found           Find, what a find came to
results         Run, Sweep and Diagnosis, read from the store; diagnose, load_sweep
"""
