"""Which rate to try next, and which member to stop.

Sweeps and the batched training use it; it does not know Hydra.

    interval      a range of numbers that is searched, even in the logarithm where it spans decades
    propose       the points of a search that are known before anything trains
    rungs         when a halving judges, and how many go on
    forecast      what a curve comes to at the end of the run
    halving       who goes on at a rung
    bracket       the trials that compete with each other, and who of them is still in
    asynchronous  who goes on at a rung where trials do not come to it together
    rung_file     through which members in different processes know of each other's curves
    judged_curve  what a member is judged by, and when
    stop_each     judges members that do not all train as one batched model
    earlier_arrivals  what the store has of members that earlier commands trained
    spread        the order in which trials begin that do not train together
    study         points that are proposed from what earlier ones came to, by Optuna
"""
