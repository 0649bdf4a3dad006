"""From the command line to a run or a sweep, and back to an exit code.

``train.py`` calls ``main``, Hydra the hooks, and every file of ``scripts/`` wraps its work in ``script``.

    main               the command, and its exit code; __main__: the same as ``python -m lrscope.cli``
    hydra_hooks        the moment before anything trains: jobs are checked, the parent run is made
    script             what the scripts have in common with it
    explain_command    a command line that Hydra refused, with all that is wrong with it
"""
