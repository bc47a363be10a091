"""Which view answers a path and method.

`converters`, `segments` and `patterns` are pure text work, `tree` and `table` find, `urls`
goes the other way, `router` is what applications register on. Nothing here reads a request
or writes a response.
"""
