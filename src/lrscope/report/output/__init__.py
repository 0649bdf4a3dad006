"""The report as page, table, note and files.

The commands on stored runs use it, and the end of a sweep.

    report, starred, interesting    all that is said, worked out once; which rows stand out
    head, other_settings    what was trained; what the other settings came to
    columns, tables    the columns, and the tables as text
    terminal    for a terminal
    page    for a browser, of its parts:
    html_table, members_html, why_html, heat_table, small_figure, marks_svg, figure_json, glossary
    what_decides, parallel_svg, search_svg    several swept numbers: importance, lines, the map and path of a search
    between_sweeps    what differs between sweeps that are compared
    sweep_note    the note of the parent run
    report_files    all files of a report
"""
