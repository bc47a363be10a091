from wiverno.dev.dev_server import DevServer

server = DevServer(
    app_module="myapp",
    app_name="app",
    host="0.0.0.0",
    port=8000,
    watch_dirs=[
        "./myapp",          # Watch application code
        "./shared",         # Watch shared utilities
        "./config",         # Watch configuration
    ],
    ignore_patterns=[
        "__pycache__",
        "*.pyc",
        ".venv",
        "venv",
        "tests",
        "*.log",
        ".git",
    ],
    debounce_seconds=1.5,  # Wait 1.5 seconds before restart
)

# Use serve() static method for actual startup
# DevServer.serve(...)
