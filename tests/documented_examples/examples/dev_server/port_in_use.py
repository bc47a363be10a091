# Or use different port
DevServer.serve(port=8001)
