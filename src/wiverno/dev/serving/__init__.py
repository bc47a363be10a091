"""Serves the application in a worker, behind the gate.

One protocol, `Serving`; WSGI is its first form. Nothing here knows the supervisor: it
says what happened through the callables it was given.
"""
