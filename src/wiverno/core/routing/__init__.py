"""Which view answers a path and method.

`patterns` is pure text work, `table` finds, `router` is what applications register on.
Nothing here reads a request or writes a response.
"""
