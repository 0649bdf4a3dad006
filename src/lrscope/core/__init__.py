"""Plain data and small files.

Everybody may use it; it knows no torch, MLflow or Lightning.

    command_words, as_typed                     how a user types a command, in a checkout and elsewhere; a value
    errors, paths, files, redact, from_store    words of a failure; where the project lies; names that stay in it
    job, outcome, fingerprint                   what a run is, what became of it, what makes it the same run again
    answer                                      what --json prints: the schema
    stored_command, tag_length                  the words that began a run, in its tags; what MLflow takes of one
    ledger                                      the files through which a sweep and its members know of each other
    trace, point, run_facts, verdict            the curves of a run, one value of them, what else is known of it, and
                                                what became of it in a word; stopped_by_verdict: ended for it
    pruned                                      that a search stopped a run, and why
    trials                                      what copies of a failed run came to, trained from its start
    found_rate                                  what copies at many rates came to, and the rate that follows
    free_memory, within_memory                  how much of it a process can have; what wants more raises
    metric_goal, plain_text                     which way a metric improves; text for a terminal of ASCII
    dataset_name                                what a set of data is called
    tracking_settings                           what others hand to tracking
    stop_signals, gc_pause                      Ctrl-C as a flag; Python's garbage collector while libraries load
    unsupported_system                          where no command can run at all
    std_streams                                 an output that fails is no failure of the command
    failpoint                                   where tests end a process, before and after each kind of write
    moved_names                                 modules under the names that users' files have
    needed_package, pretrained_name             a package not everybody has; a pretrained network's folder or hub name
"""
