"""Loads the application and writes down what it depended on.

Runs in candidates and workers; the supervisor and the pages process only read the
record. Truth is the disk, compared by signature; the doorbell of a worker's gate says when
that comparison may be left out, and rings in any doubt.
"""
