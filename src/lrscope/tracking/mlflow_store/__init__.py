"""The MLflow store: where it is, how it is opened, asked and written to.

DeliveryResult and the report use it; the check of a command asks whether the store answers.

    address, reach    which store is meant, and whether it answers; browse: how to come to its page
    may_write         whether it takes runs from whoever asks
    store             a fresh one made ready, and its client
    checked_client    what a store says, looked at; artifact_place: where its artifacts may lie;
                      artifacts_taken: whether they find a place there
    follow_move       where the artifacts of a moved or copied project lie
    runs              runs found, created, hung below their parent; read: their curves; fetch: their files
    model_package     a network as an MLflow model; model_code: what it loads by; raw_model: that takes raw examples
    state_tag         what only the program reads of a run, in one tag
    kept_note         a note, around which a person's words stay; beside_stored: tags as they go into the store
    registry          versions of a model, and which is the champion
    lookup            which run an id, the beginning of one, or "latest" means
    remove            runs deleted for good, with what they left
    bulk              points straight into a SQLite file
    concurrent        calls that wait for a network, several at a time
"""
