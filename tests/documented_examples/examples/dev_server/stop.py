server = DevServer(app_module="run")

# In another thread or signal handler
server.stop()
