import threading
import time
from wiverno.core.server import RunServer
server = RunServer(app, host="localhost", port=8000)
# Start server in a thread
server_thread = threading.Thread(target=server.start, daemon=True)
server_thread.start()
# Do some work...
time.sleep(60)
# Stop server gracefully
server.stop()
