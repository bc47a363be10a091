"""The command line: words in, settings out.

The only place that prints usage errors. `wiverno --help` must appear at once, so nothing
here is imported before a command needs it, and in development mode application code is
never imported in this process.
"""


def main() -> None:
    """Run the command `wiverno` with the arguments of this process."""
    from wiverno.cli.commands import wiverno

    wiverno(prog_name="wiverno")
