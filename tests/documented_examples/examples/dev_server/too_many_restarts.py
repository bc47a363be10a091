DevServer.serve(
    debounce_seconds=2.0,  # Wait longer
    ignore_patterns=[
        "__pycache__",
        "*.swp",         # Vim swap files
        "*.tmp",         # Temp files
        "*~",            # Backup files
    ],
)
