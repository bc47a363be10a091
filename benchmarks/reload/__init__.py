"""From a save to the first fresh answer, wiverno beside its peers: `make bench-reload`.

Every server runs the same generated projects in the same run, and they are saved in turn, so
that the machine's mood falls on all of them. `run` measures and keeps every single
measurement; `report` makes the tables and the plot of docs/benchmarks.md from what was kept.
"""
