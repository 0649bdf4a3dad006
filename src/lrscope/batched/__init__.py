"""The members of a sweep trained as one model: ``model`` is the mathematics, ``run`` the training and its records."""
