from wiverno.dev.dev_server import DevServer

if __name__ == "__main__":
    DevServer.serve(
        app_module="myapp.main",
        app_name="app",
        host="127.0.0.1",
        port=8000,
    )
