from wiverno.core.server import RunServer
try:
    # Try to bind to privileged port
    server = RunServer(app, host="0.0.0.0", port=80)
    server.start()
except OSError as e:
    if "Permission denied" in str(e):
        print("Error: Port 80 requires root privileges")
        print("Try: sudo python run.py")
        print("Or use port >= 1024")
    elif "Address already in use" in str(e):
        print("Error: Port 80 is already in use")
        print("Kill the process or use a different port")
