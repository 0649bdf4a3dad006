"""The data sets, one a file; each is a function that returns a :class:`lrscope.datasets.data.Data`.

``conf/dataset`` names them; training knows what they return, and no set by name.

    data, split, conform             what a set is, how its parts are cut, what a user's is converted to
    preprocessing, infer_task        what makes inputs of raw examples; classes or numbers to predict
    given_file                       a user's file or folder, and how a problem of it is told
    arrays, array_files, array_inputs, array_targets    .npz, .npy, .pt, .h5
    image_folder, image_files, image_store    a folder for each class, decoded once
    sequences, text_file, vocabulary, pretrained_tokens    texts and token ids
    hub                                       the Hugging Face hub, by the package datasets
    table, table_file, table_columns, table_target, table_missing, table_unseen    rows of a CSV, TSV or Parquet file
    digits, blobs, line, fingers, signs, openml    the sets that need no file
    index_batches, member_batches    batches of one run, resumable to the batch; and of many runs at once
"""
