"""From the command line to a run or a sweep, and back to an exit code.

``train.py`` calls ``main``, Hydra the hooks, the files of ``scripts/`` and the package's own command ``commands``.

    commands/          the command ``lrscope`` and its subcommands, one file each
    project/           the files that ``lrscope init`` copies; guide.md: what ``lrscope guide`` prints
    main               a training, and its exit code; __main__: the same as ``python -m lrscope.cli``
    conf_search        where YAML files are looked for
    hydra_hooks        the moment before anything trains: jobs are checked, the parent run is made
    ended              how a training has ended; train_answer: the same as --json answers it
    json_alone         a command's answer alone on standard output
    dry_run            what a command would train, and how: --dry-run
    words              options ahead of overrides; what only looks like an option
    tell               errors as words, and what is said beside an answer
    explain_command    a command line that Hydra refused, with all that is wrong with it
"""
