"""The processes of a session and what they say to each other.

The two sides of a process border have two names and two files: `worker` and `pages`
run in the child, `handles` is what the supervisor holds about it. `spawn` is the one
file that starts processes.
"""
