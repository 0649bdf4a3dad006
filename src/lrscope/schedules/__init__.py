"""The schedules that torch lacks, how any schedule is stepped, what its curve is and what is wrong with it.

A *schedule* here is the ``scheduler`` part of a resolved config as a plain mapping: ``name``, ``interval``,
``monitor``, ``_target_`` and the arguments of what that names.
"""
