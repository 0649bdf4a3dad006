"""The members of a sweep trained as one model.

The launcher calls ``run.launch``; nobody else knows it.

    model    the mathematics: many networks as one, a row each
    run      the training: members chosen, trained together, recorded each by itself
"""
