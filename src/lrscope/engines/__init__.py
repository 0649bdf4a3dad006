"""Where the members of a sweep train: what travels to a worker is a batched group or a single run.

From the launcher down::

    train_elsewhere       the jobs of a sweep, on the engine of ``sweep.engine``
        earlier_workers   what a command that was killed has left at work
        plan_groups       which members are one group, and what it is estimated to take
        cut               how groups are cut to the workers, the largest first
        run_groups        submits, watches, retries what died, stops
        progress          one line a group on the terminal
    dry_plan              the same for --dry-run, which starts nothing
    task                  what travels: the jobs of a group, and what their worker does
    engine                what every engine can do
        on_joblib         processes of this machine
        on_slurm          jobs of SLURM, by submitit
            slurm_queue   which of them have not ended
        on_ray            tasks of Ray

A worker trains its group with the code of a sweep in one process: the same journals, the same runs below one parent.
"""
