"""From the command line to a run or a sweep, and back to an exit code.

``train.py`` calls ``main``, and Hydra the hooks; nobody else does.

    main               the command, and its exit code; __main__: the same as ``python -m lrscope.cli``
    hydra_hooks        the moment before anything trains: jobs are checked, the parent run is made
    explain_command    a command line that Hydra refused, with all that is wrong with it
"""
