server = DevServer(app_module="run", app_name="application")
print(server.app_name)  # Output: application
