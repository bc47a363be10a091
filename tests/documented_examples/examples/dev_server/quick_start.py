from wiverno.dev.dev_server import DevServer

# Simplest form - uses defaults (run.py with 'app' variable)
DevServer.serve()
