"""Sessions: what is kept of a visitor from one request to the next, signed, in a cookie.

Nothing is kept on the server. The client can read its session, and bring back an older one
until that has expired; it cannot make one up.
"""

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypedDict

from wiverno.core.exceptions import InvalidHeaderError, MissingExtraError, WivernoError
from wiverno.core.http.set_cookie import SetCookie
from wiverno.core.requests import Request
from wiverno.core.responses import Response
from wiverno.core.session import Session, SessionDataError

__all__ = [
    "MAX_COOKIE_BYTES",
    "MIN_SECRET_BYTES",
    "Session",
    "SessionDataError",
    "SessionOptions",
    "SessionSettings",
    "SessionSettingsError",
    "Sessions",
]

MIN_SECRET_BYTES = 16
"""RFC 2104 3: a shorter key weakens the signature. 16 random bytes cannot be guessed."""

MAX_COOKIE_BYTES = 3800
"""Name and value. Browsers keep 4096 with the attributes (RFC 6265 6.1), which need the rest."""

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_Secret = str | bytes


class SessionSettingsError(WivernoError, ValueError):
    """Sessions cannot work with these settings."""


class SessionOptions(TypedDict, total=False):
    """The settings that have a default; see `SessionSettings`."""

    cookie_name: str
    max_age_s: int
    path: str
    domain: str | None
    secure: bool | None
    samesite: Literal["Lax", "Strict", "None"]


@dataclass(frozen=True, slots=True)
class SessionSettings:
    """How sessions are signed and kept. Raises `SessionSettingsError`.

    `secret_key`: at least 16 random bytes, such as `secrets.token_hex(32)`; of several the
    first one signs, and cookies signed with the others are still taken. To change a secret,
    put the new one first and keep the old one for `max_age_s`.
    `max_age_s`: seconds from the last change of a session until it is forgotten.
    `secure`: None makes the cookie Secure where the request came by https.
    """

    secret_key: _Secret | Sequence[_Secret] = field(repr=False)
    cookie_name: str = "session"
    max_age_s: int = 14 * 24 * 60 * 60
    path: str = "/"
    domain: str | None = None
    secure: bool | None = None
    samesite: Literal["Lax", "Strict", "None"] = "Lax"

    def __post_init__(self) -> None:
        self._check_secrets()
        if not _TOKEN.fullmatch(self.cookie_name):
            raise SessionSettingsError(
                f"cookie_name={self.cookie_name!r} is no name of a cookie. "
                "Use letters, digits, '-' and '_'."
            )
        if self.max_age_s <= 0:
            raise SessionSettingsError(
                f"max_age_s={self.max_age_s!r} would forget every session at once. "
                "Give the seconds that one is kept."
            )
        if self.samesite not in ("Lax", "Strict", "None"):
            raise SessionSettingsError(
                f"samesite={self.samesite!r} is not known. Use 'Lax', 'Strict' or 'None'."
            )
        if self.samesite == "None" and self.secure is False:
            raise SessionSettingsError(
                "samesite='None' with secure=False: no browser keeps such a cookie. "
                "Leave secure=False out."
            )
        self._check_cookie()

    @property
    def secret_keys(self) -> tuple[_Secret, ...]:
        """All secrets; the first one signs."""
        if isinstance(self.secret_key, str | bytes):
            return (self.secret_key,)
        return tuple(self.secret_key)

    def _check_cookie(self) -> None:
        # Now, and not when the first visitor has a session to keep.
        try:
            SetCookie(
                name=self.cookie_name,
                path=self.path,
                domain=self.domain,
                secure=self.secure,
                samesite=self.samesite,
            )
        except InvalidHeaderError as error:
            raise SessionSettingsError(str(error)) from error

    def _check_secrets(self) -> None:
        # The secret itself must not get into an error text, which ends in a log.
        advice = "Make one with: python -c 'import secrets; print(secrets.token_hex(32))'"
        if not self.secret_keys:
            raise SessionSettingsError(f"secret_key holds no secret. {advice}")
        for number, secret in enumerate(self.secret_keys, 1):
            if not isinstance(secret, str | bytes):
                raise SessionSettingsError(
                    f"secret_key number {number} is of type {type(secret).__name__}, "
                    f"not str or bytes. {advice}"
                )
            size = len(_as_bytes(secret))
            if size < MIN_SECRET_BYTES:
                raise SessionSettingsError(
                    f"secret_key number {number} has {size} bytes; it could be guessed. "
                    f"Use at least {MIN_SECRET_BYTES}. {advice}"
                )


class Sessions:
    """Reads sessions from requests and writes them to responses.

    `open` when a view asks for the session, `save` before the response of that request goes
    out; a request whose view never asks needs neither. Raises `MissingExtraError` where
    itsdangerous is not installed. `now` tells the time in seconds since 1970.
    """

    def __init__(self, settings: SessionSettings, now: Callable[[], float] = time.time) -> None:
        self._settings = settings
        self._now = now
        self._serializer = _serializer(settings)

    def open(self, request: Request) -> Session:
        """The session of the request; an empty one where there is none that can be trusted.

        A cookie that is forged, damaged, expired or not ours is no error: clients send what
        they like.
        """
        text = request.cookies.get(self._settings.cookie_name, "")
        return Session(self._values(text))

    def save(self, session: Session, response: Response) -> None:
        """Set the cookie if the session was changed, take it away if it was emptied.

        A response of 500 or above keeps nothing: its view may have come half way only.
        Raises `SessionDataError` if the session holds what JSON cannot, or too much.
        """
        # RFC 9110 12.5.5: what was made with the session is for this visitor only.
        response.headers.add("Vary", "Cookie")
        if response.status_code >= 500 or not session.modified:
            return
        if session:
            self._set_cookie(response, self._signed(session), self._settings.max_age_s)
        else:
            # With all the attributes: a browser takes a cookie away as it takes one.
            self._set_cookie(response, "", 0)

    def _values(self, text: str) -> dict[str, Any]:
        from itsdangerous import BadData

        # Ours are ASCII and not longer: what else comes costs no work.
        if not text or len(text) > MAX_COOKIE_BYTES or not text.isascii():
            return {}
        try:
            content = self._serializer.loads(text)
        except BadData:
            return {}
        # Signed by us, but perhaps by another version of the application.
        match content:
            case [int(written_s), dict(values)] if self._is_young(written_s):
                return values
        return {}

    def _is_young(self, written_s: int) -> bool:
        # The clock of the machine that wrote it may be ahead: that is no reason to forget.
        return self._now() - written_s < self._settings.max_age_s

    def _signed(self, session: Session) -> str:
        text = str(self._serializer.dumps([int(self._now()), dict(session)]))
        size = len(self._settings.cookie_name) + len(text)
        if size > MAX_COOKIE_BYTES:
            raise SessionDataError(
                f"The session has {size} bytes as a cookie; browsers keep no more than "
                f"{MAX_COOKIE_BYTES}. Its keys: {', '.join(map(repr, session)):.200}. "
                "Keep the data on the server, and only its number in the session."
            )
        return text

    def _set_cookie(self, response: Response, value: str, max_age_s: int) -> None:
        settings = self._settings
        # RFC 9111 7.3: a cache that many share would give the cookie to the next who has none.
        response.headers.add("Cache-Control", "private")
        response.set_cookie(
            settings.cookie_name,
            value,
            max_age=max_age_s,
            path=settings.path,
            domain=settings.domain,
            secure=settings.secure,
            httponly=True,  # No script needs it, and one that was smuggled in must not have it.
            samesite=settings.samesite,
        )


def _serializer(settings: SessionSettings) -> Any:
    import hashlib

    try:
        from itsdangerous import URLSafeSerializer
    except ModuleNotFoundError as error:
        raise MissingExtraError("A session", "itsdangerous", "sessions") from error
    return URLSafeSerializer(
        # It signs with the last one.
        [_as_bytes(secret) for secret in reversed(settings.secret_keys)],
        # A signature for another purpose, or for another cookie, must not pass for ours.
        salt=f"wiverno.session.{settings.cookie_name}",
        signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256},
    )


def _as_bytes(secret: _Secret) -> bytes:
    return secret.encode("utf-8") if isinstance(secret, str) else secret
