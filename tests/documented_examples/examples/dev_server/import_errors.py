# Wrong
DevServer.serve(app_module="myapp")  # Looking for myapp.py

# Correct
DevServer.serve(app_module="myapp.main")  # Looking for myapp/main.py
