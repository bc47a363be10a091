"""The Set-Cookie header: one cookie, checked against RFC 6265 and what browsers ask beyond it."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, TypeAlias, TypedDict

from wiverno.core.exceptions import InvalidHeaderError
from wiverno.core.http.dates import LAST_SECOND, format_date
from wiverno.core.http.response_headers import is_token

SameSite: TypeAlias = Literal["Lax", "Strict", "None"]

# RFC 6265 4.1.1, cookie-octet: neither spaces nor any of `",;\`.
_VALUE = re.compile(r"[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*")
_PATH = re.compile(r"/[\x20-\x3a\x3c-\x7e]*")
_DOMAIN = re.compile(r"\.?[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?")
# RFC 6265 6.1: what every browser keeps, name, value and attributes together.
_MAX_BYTES = 4096


class CookieScope(TypedDict, total=False):
    """Where a cookie is sent to; the same when it is set and when it is taken away."""

    path: str
    domain: str | None
    secure: bool | None
    httponly: bool
    samesite: SameSite | None


class CookieAttributes(CookieScope, total=False):
    """All that can be said of a cookie besides its name and value; see `SetCookie`."""

    max_age: int | timedelta | None
    expires: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SetCookie:
    """One cookie to set. `InvalidHeaderError` if no browser would keep it as it is meant."""

    name: str
    value: str = ""
    max_age: int | timedelta | None = None
    """Seconds; 0 takes the cookie away."""
    expires: datetime | None = None
    path: str = "/"
    domain: str | None = None
    secure: bool | None = None
    """None: if the request came by https, or the cookie is of no use otherwise."""
    httponly: bool = True
    samesite: SameSite | None = "Lax"

    def __post_init__(self) -> None:
        self._check_name_and_value()
        self._check_scope()
        self._check_lifetime()
        self._check_secure()
        size = len(self.render(is_https=True))
        if size > _MAX_BYTES:
            raise InvalidHeaderError(
                f"Cookie {self.name!r} has {size} bytes with its attributes; browsers keep up to "
                f"{_MAX_BYTES}. Keep the data on the server and its key in the cookie."
            )

    @property
    def place(self) -> tuple[str, str, str]:
        """Two cookies with the same one replace each other (RFC 6265 5.3, step 11)."""
        return self.name, (self.domain or "").lower().removeprefix("."), self.path

    def render(self, *, is_https: bool) -> str:
        """The value of the header."""
        parts = [f"{self.name}={self.value}"]
        if self.expires is not None:
            parts.append(f"Expires={format_date(_timestamp(self.expires))}")
        if self.max_age is not None:
            parts.append(f"Max-Age={_seconds(self.max_age)}")
        if self.domain:
            parts.append(f"Domain={self.domain}")
        parts.append(f"Path={self.path}")
        if self._is_secure(is_https):
            parts.append("Secure")
        if self.httponly:
            parts.append("HttpOnly")
        if self.samesite is not None:
            parts.append(f"SameSite={self.samesite.capitalize()}")
        return "; ".join(parts)

    def _is_secure(self, is_https: bool) -> bool:
        if self.secure is None:
            return is_https or self._why_secure() is not None
        return self.secure

    def _why_secure(self) -> str | None:
        """What browsers keep of Secure cookies only."""
        if self.samesite is not None and self.samesite.capitalize() == "None":
            return "samesite='None'"
        lower = self.name.lower()
        return next(
            (each for each in ("__Secure-", "__Host-") if lower.startswith(each.lower())), None
        )

    def _check_name_and_value(self) -> None:
        if not is_token(self.name):
            raise InvalidHeaderError(
                f"Cookie name {self.name!r} is not a token of RFC 6265. "
                "Use ASCII letters, digits, '-' and '_'."
            )
        if not _is_text(_VALUE, self.value):
            raise InvalidHeaderError(
                f"Cookie {self.name!r}: the value {self.value!r} holds what a cookie cannot "
                "(RFC 6265 4.1.1), such as a space, quote, comma, semicolon, backslash, control "
                "or non-ASCII character. Encode it, as with urllib.parse.quote, and decode it "
                "when you read it."
            )

    def _check_scope(self) -> None:
        if not _is_text(_PATH, self.path):
            raise InvalidHeaderError(
                f"Cookie {self.name!r}: path={self.path!r} is not a path. Begin with '/', "
                "percent-encode what is not ASCII, use no ';'."
            )
        if self.domain is not None and not _is_text(_DOMAIN, self.domain):
            raise InvalidHeaderError(
                f"Cookie {self.name!r}: domain={self.domain!r} is not a host name. Write it as "
                "'example.com', an international one in its form 'xn--…', without port."
            )
        if self.name.lower().startswith("__host-") and (self.domain or self.path != "/"):
            raise InvalidHeaderError(
                f"Cookie {self.name!r}: browsers keep '__Host-' only with path='/' and without "
                f"a domain, not with path={self.path!r} and domain={self.domain!r}."
            )

    def _check_lifetime(self) -> None:
        if self.max_age is not None and _seconds(self.max_age) < 0:
            raise InvalidHeaderError(
                f"Cookie {self.name!r}: max_age={self.max_age!r} is negative. "
                "Use delete_cookie to take a cookie away."
            )
        if self.expires is not None and self.expires.tzinfo is None:
            raise InvalidHeaderError(
                f"Cookie {self.name!r}: expires={self.expires!r} has no time zone. "
                "Use one that has, such as datetime.now(UTC) + timedelta(days=1)."
            )

    def _check_secure(self) -> None:
        if self.samesite is not None and self.samesite.capitalize() not in (
            "Lax",
            "Strict",
            "None",
        ):
            raise InvalidHeaderError(
                f"Cookie {self.name!r}: samesite={self.samesite!r} is not known. "
                "Use 'Lax', 'Strict', 'None', or None to leave it out."
            )
        reason = self._why_secure()
        if reason is not None and self.secure is False:
            raise InvalidHeaderError(
                f"Cookie {self.name!r}: browsers drop a cookie with {reason} that is not Secure. "
                "Leave secure=False out."
            )


def _is_text(pattern: re.Pattern[str], value: object) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def _seconds(max_age: int | timedelta) -> int:
    return int(max_age.total_seconds()) if isinstance(max_age, timedelta) else int(max_age)


def _timestamp(moment: datetime) -> int:
    return min(int(moment.timestamp()), LAST_SECOND)
