"""What the report leaves on MLflow's page: links, a saved view, notes; and the page itself.

The commands on stored runs use it, and the end of a sweep.

    links, saved_view    addresses into the page, and a view that they open
    attach               note, colours and view written into the store
    beside_another       the page of several sweeps, with each of them
    experiment_note      the experiment's description
    parent_summary       name and results of the parent run
    serve, local_server  the page, started and opened; ends_with_parent: a server ends with its command
"""
