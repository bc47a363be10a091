from wiverno.dev.dev_server import DevServer

# Quick start
DevServer.serve()

# Custom configuration
DevServer.serve(
    app_module="myapp",
    app_name="application",
    host="0.0.0.0",
    port=8080,
)
