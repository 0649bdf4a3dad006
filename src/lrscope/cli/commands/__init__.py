"""One file a subcommand of ``lrscope``: what it takes on the command line, and what it prints.

Each has ``main(words, prog)``, which returns the exit code.

    entry                                       chooses the subcommand; prints the help and the version
    command_parser                              what the words behind a subcommand are read with
    train_command                               a run or a sweep
    compare_command, diagnose_command           reports and verdicts of what is stored
    check_command                               whether a training is worse than a baseline
    ui_command                                  MLflow's page
    resume_command, sync_command, reap_command  what was interrupted, not delivered, or left RUNNING
    register_command, serve_command             a found model into the registry, and in use
    server_command                              a team's server: start, stop, backup
    reproduce_command                           a stored run trained again, and compared
    clean_command                               old runs removed
    init_command                                a small project to start from
    guide_command                               what a program has to know
"""
