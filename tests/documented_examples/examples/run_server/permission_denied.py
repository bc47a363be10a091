# Option 2: Use port >= 1024 (recommended)
server = RunServer(app, port=8000)
