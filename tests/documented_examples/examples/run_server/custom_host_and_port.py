from wiverno.core.server import RunServer
# Listen on all network interfaces
server = RunServer(app, host="0.0.0.0", port=5000)
server.start()
# Now accessible at http://0.0.0.0:5000
