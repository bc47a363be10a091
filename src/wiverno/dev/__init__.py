"""The development server.

May import `wiverno.core`, never `wiverno.main`, views or templating: it serves any
application. The supervisor side (`supervisor`, `terminal`, `watching`) and the
application side (`loading`, `serving`, `processes.worker`, `processes.pages`) meet
only in `processes.messages`.
"""
