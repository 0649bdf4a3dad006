"""Which rate to try next, and which member to stop.

Sweeps and the batched training use it; it knows neither Hydra nor MLflow.

    interval        a range of numbers that is searched, even in the logarithm where it spans decades
    propose         the points of a search that are known before anything trains
    rungs           when a halving judges, and how many go on
    forecast        what a curve comes to at the end of the run
    halving         who goes on at a rung
    bracket         the trials that compete with each other, and who of them is still in
    asynchronous    who goes on at a rung where trials do not come to it together
    rung_file       through which members in different processes know of each other's curves
    starting_order  the order in which trials begin that do not train together
    judging/        runs as trials of a search
    study           points that are proposed from what earlier ones came to, by Optuna
"""
