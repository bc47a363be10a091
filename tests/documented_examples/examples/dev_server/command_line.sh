# Start dev server with defaults
wiverno run dev

# Custom configuration
wiverno run dev --host 0.0.0.0 --port 8080

# Specify module and app
wiverno run dev --app-module myapp --app-name application
