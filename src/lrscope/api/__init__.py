"""What ``import lrscope`` gives: the command line's trainings, called from Python. Users' code and notebooks use it.

calls           train and sweep: a call becomes the words of a command, which runs in this process
call_words      keyword arguments and objects as words of the command line
undisturbed     what belongs to the caller is as it was when a call returns
results         Run, Sweep and Diagnosis, read from the store; diagnose, load_sweep
"""
