"""How a session speaks to others: events as JSON lines, and writing that never waits.

Whoever reads a session's output may be slow, stopped or gone; none of it may reach the
supervisor's loop.
"""
