# Use Gunicorn with multiple workers + nginx reverse proxy
gunicorn myapp:app \
  --workers 8 \
  --worker-class sync \
  --max-requests 1000 \
  --max-requests-jitter 100 \
  --bind 127.0.0.1:8000
