DevServer.serve(
    app_module="myapp",
    ignore_patterns=[
        "__pycache__",
        "*.pyc",
        ".venv",
        "tests",           # Don't restart on test changes
        "*.log",           # Ignore log files
        "static/",         # Ignore static assets
        "migrations/",     # Ignore database migrations
    ],
)
