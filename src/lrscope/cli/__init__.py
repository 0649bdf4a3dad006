"""From the command line to a run or a sweep, and back to an exit code.

``train.py`` calls ``main``, Hydra the hooks, the files of ``scripts/`` and the package's own command ``commands``.

    commands/          the command ``lrscope`` and its subcommands, one file each
    project/           the files that ``lrscope init`` copies
    main               a training, and its exit code; __main__: the same as ``python -m lrscope.cli``
    conf_search        where YAML files are looked for
    hydra_hooks        the moment before anything trains: jobs are checked, the parent run is made
    words              options ahead of overrides; what only looks like an option
    tell               errors as words, and what is said beside an answer
    explain_command    a command line that Hydra refused, with all that is wrong with it
"""
