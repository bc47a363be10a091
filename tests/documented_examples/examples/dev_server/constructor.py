from wiverno.dev.dev_server import DevServer

# Basic usage
server = DevServer(
    app_module="myapp",
    app_name="app",
    host="localhost",
    port=8000,
)
