"""Abuse and load at once against one RunServer, at most ten minutes: `make soak`.

Load and abuse run in processes of their own. This one asks as a normal client does, looks at
the server's memory, descriptors and threads, and says in the end whether the server held.
"""
