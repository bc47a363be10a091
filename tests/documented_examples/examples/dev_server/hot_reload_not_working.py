# Debug: Print watch directories
server = DevServer(
    app_module="myapp",
    watch_dirs=["./myapp"],  # Explicit watch directory
)
print(f"Watching: {server.watch_dirs}")
