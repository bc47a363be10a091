"""The error for a package that only an extra of wiverno installs."""

from wiverno.core.exceptions import WivernoError


class MissingExtraError(WivernoError, ImportError):
    """What was used needs a package that a plain install does not bring."""

    def __init__(self, what: str, package: str, extra: str) -> None:
        super().__init__(
            f"{what} needs the package {package!r}, which is not installed. "
            f"Install it with: pip install 'wiverno[{extra}]'",
            name=package,
        )
