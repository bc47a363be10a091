# dev.py - Development only
from wiverno.dev.dev_server import DevServer

if __name__ == "__main__":
    DevServer.serve(app_module="myapp")
