from wiverno.core.server import RunServer
from wiverno.main import Wiverno
app = Wiverno()
@app.get("/")
def home(request):
    return "200 OK", "Hello"
# Create server with custom queue size
server = RunServer(app, host="localhost", port=8000, request_queue_size=10)
