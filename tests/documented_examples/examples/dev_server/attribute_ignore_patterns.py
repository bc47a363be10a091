server = DevServer(
    app_module="run",
    ignore_patterns=["__pycache__", "*.pyc", ".venv"],
)
print(server.ignore_patterns)
