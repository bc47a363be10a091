"""Throughput of RunServer beside its peers: `make bench-prod`.

Each server has one processor, wrk the other, and they are measured in turn, so that the
machine's mood falls on all of them. `run` measures and keeps every round, `report` writes the
tables of docs/benchmarks.md from what was kept, `profile` shows where RunServer's time goes.
"""
