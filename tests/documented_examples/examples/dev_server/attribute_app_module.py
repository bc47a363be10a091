server = DevServer(app_module="myapp.main")
print(server.app_module)  # Output: myapp.main
