# Fast restarts (may restart too often)
DevServer.serve(debounce_seconds=0.5)

# Slower restarts (better for large projects)
DevServer.serve(debounce_seconds=2.0)

# Default (recommended)
DevServer.serve(debounce_seconds=1.0)
