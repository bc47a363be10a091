"""The terminal: what a dev session prints, exactly as the documentation shows it.

`screen` turns state into lines and is pure; `terminal` prints them. Importing this package
must stay cheap: rich is imported when the first coloured line is printed.
"""
