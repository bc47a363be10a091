"""Applications of frameworks that need more than to be named. Each is an app target.

Imported where the application is, never by the server: `dev` and `core` know no framework.
"""
