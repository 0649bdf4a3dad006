"""The report as page, table, note and files.

The commands on stored runs use it, and the end of a sweep.

    columns, tables    the columns, and the table as text
    interesting, starred    which rows stand out of many, and which one is the best
    terminal, page     for a terminal, for a browser
    sweep_note         the note of the parent run
    report_files       all files of a report
"""
