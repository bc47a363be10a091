# Find process using the port
lsof -i :8000
# Kill the process
kill -9 <PID>
