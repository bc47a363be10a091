"""Broken code is an answer: exceptions and deaths as data, and the page made of them.

`report` runs in each worker and imports little; `page` runs in the pages process. Neither
knows of terminal, watcher or supervisor.
"""
