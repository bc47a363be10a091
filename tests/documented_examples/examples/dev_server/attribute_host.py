server = DevServer(app_module="run", host="0.0.0.0")
print(server.host)  # Output: 0.0.0.0
