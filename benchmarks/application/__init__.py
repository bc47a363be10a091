"""What a call of an application costs, wiverno beside its peers: `make bench-application`.

No server and no socket: one process calls the applications of all peers in turn, so that the
machine's mood falls on all of them. `run` measures and keeps every round; `report` makes the
tables of docs/benchmarks.md from what was kept.
"""
