"""The report as page, table, note and files.

The commands on stored runs use it, and the end of a sweep.

    columns, tables    the columns, and the table as text
    terminal, page     for a terminal, for a browser
    sweep_note         the note of the parent run
    report_files       all files of a report
"""
