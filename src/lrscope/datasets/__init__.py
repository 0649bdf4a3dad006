"""The data sets, one a file; each is a function that returns a :class:`lrscope.datasets.data.Data`.

``conf/dataset`` names them; training knows what they return, and no set by name.

    data, split, conform             what a set is, how its parts are cut, what a user's is converted to
    digits, blobs, line, fingers, signs, openml    the sets
    index_batches, member_batches    batches of one run, resumable to the batch; and of many runs at once
"""
