# Option 3: Use authbind (Linux)
authbind --deep python run.py
