"""Templates: what turns a name and values into text. Jinja2 is imported when one is rendered."""
