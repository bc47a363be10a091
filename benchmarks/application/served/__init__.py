"""The applications: a module for each peer, whose `make` builds the one of a scenario.

Each does what its documentation shows: no private names, no switches that nobody would use.
"""
