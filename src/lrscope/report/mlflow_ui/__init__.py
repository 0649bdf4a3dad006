"""What the report leaves on MLflow's page: links, a saved view, notes; and the page itself.

The commands on stored runs use it, and the end of a sweep.

    links, saved_view    addresses into the page, and a view that they open
    attach               note, colours and view written into the store
    parent_summary       name and results of the parent run
    serve                the page, started and opened
"""
