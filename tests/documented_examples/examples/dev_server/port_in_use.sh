# Find and kill process
lsof -i :8000
kill -9 <PID>
