# Run production server
wiverno run prod --host 0.0.0.0 --port 8000
# Run development server with hot reload
wiverno run dev --host 0.0.0.0 --port 8000
