"""What to do next, decided without doing anything.

Pure: no os, time, socket or threads in here. Time comes in as a parameter, commands
go out as values, so that every sequence of events can be tested in microseconds.
"""
