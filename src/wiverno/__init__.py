"""wiverno runs Python web applications, in development and in production.

The front door: names are imported when they are first used, so that
`wiverno --version` and a production process load only what they need.
Nothing inside wiverno imports this module.
"""

__version__ = "0.1.0"
