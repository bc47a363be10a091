# ✅ Good - Development
if __name__ == "__main__":
    from wiverno.dev.dev_server import DevServer
    DevServer.serve()

# ❌ Bad - Don't use in production
if __name__ == "__main__":
    from wiverno.dev.dev_server import DevServer
    DevServer.serve(host="0.0.0.0")  # Exposed to internet!
