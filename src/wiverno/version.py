"""The version, apart from the front door so that anything may import it."""

__version__ = "0.1.0"
