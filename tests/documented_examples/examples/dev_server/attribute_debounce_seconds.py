server = DevServer(app_module="run", debounce_seconds=2.0)
print(server.debounce_seconds)  # Output: 2.0
