"""Views that are classes."""
