"""What production needs: server, routing, requests, application targets.

Imports the standard library only, so that a production process carries no
dependency it did not ask for.
"""
