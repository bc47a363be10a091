"""How other programs follow a session: events as JSON lines."""
