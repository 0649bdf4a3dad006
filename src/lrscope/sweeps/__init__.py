"""The story of one sweep: planned, checked, begun, closed.

The commands and the launcher use it.

    plan, expand          its jobs: lists by Hydra's grammar, of intervals the points that a search tries
    compose               composed as Hydra composes them, and faster
    batches               jobs that a sweeper chooses as it goes, seen before they are launched
    folders               Hydra's folders of it and its jobs, made first
    check, build_check    every problem of every job: on paper, then in practice
    data_check            what a config asks of its data, and the data has not
    no_effect             axes that change nothing
    lifecycle, current    begun and closed on every way out; the sweep that this process launched
    confirm_best          the three best settings trained with four more seeds
    member_traces         the curves that its members left
    starred_member        whose model is packed: the one that the report stars
    try_members           where none works, it is tried what would
    close, summary        verdicts beside the others', the best model, the report and the words on the terminal
"""
