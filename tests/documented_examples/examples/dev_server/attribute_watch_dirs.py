server = DevServer(
    app_module="run",
    watch_dirs=["./myapp", "./shared"],
)
print(server.watch_dirs)  # Output: ['./myapp', './shared']
