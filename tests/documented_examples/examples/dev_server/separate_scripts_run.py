# run.py - Production
from wiverno.core.server import RunServer
from myapp import app

if __name__ == "__main__":
    server = RunServer(app, host="0.0.0.0", port=8000)
    server.start()
