# Wrong: Only accessible from localhost
server = RunServer(app, host="localhost", port=8000)
# Correct: Accessible from external network
server = RunServer(app, host="0.0.0.0", port=8000)
