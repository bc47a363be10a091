"""`python -m wiverno` is the command `wiverno`."""

from wiverno.cli import main

if __name__ == "__main__":
    main()
