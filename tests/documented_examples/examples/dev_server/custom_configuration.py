DevServer.serve(
    app_module="myproject.api",
    app_name="application",
    host="0.0.0.0",
    port=5000,
)
