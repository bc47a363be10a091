# Or use a different port
server = RunServer(app, port=8001)
