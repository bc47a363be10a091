"""The errors that wiverno raises on purpose, one class per thing a caller would do differently."""


class WivernoError(Exception):
    """Base of every error that wiverno raises on purpose. Its text is written for the user."""
