import logging
logging.basicConfig(level=logging.INFO)
server = RunServer(app, host="0.0.0.0", port=8000)
server.start() # Blocks until interrupted
# Logs:
# INFO: Wiverno server started on http://0.0.0.0:8000
# INFO: Request queue size: 5
# INFO: Press Ctrl+C to stop the server
