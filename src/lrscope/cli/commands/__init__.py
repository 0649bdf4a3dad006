"""One file a subcommand of ``lrscope``: what it takes on the command line, and what it prints.

Each has ``main(words, prog)``, which returns the exit code.

    entry                                       chooses the subcommand; prints the help and the version
    train_command                               a run or a sweep
    compare_command, diagnose_command           reports and verdicts of what is stored
    ui_command                                  MLflow's page
    resume_command, sync_command, reap_command  what was interrupted, not delivered, or left RUNNING
    init_command                                a small project to start from
"""
