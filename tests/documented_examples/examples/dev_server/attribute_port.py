server = DevServer(app_module="run", port=8080)
print(server.port)  # Output: 8080
