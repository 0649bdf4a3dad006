"""The schedules that torch lacks, one a file, and what may be wrong with the arguments of any that ships.

Anybody may use them; they know torch and plain data.

    cyclic, exponential, warmup_cosine    factories that ``conf/scheduler`` names: an optimizer -> torch's scheduler
    rules                                 which keys are arguments, and what they must be; needs no torch
"""
