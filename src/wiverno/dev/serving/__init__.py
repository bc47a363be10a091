"""Serves the application in a worker, behind the gate.

One protocol, `Serving`, in two forms: WSGI and ASGI. Nothing here knows the supervisor: it
says what happened through the callables it was given.
"""
