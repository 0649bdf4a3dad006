"""The report as page, table, note and files."""
