"""Sessions: what is kept, of whom, and what is not believed."""

import base64
import builtins
import json
from collections.abc import Mapping
from typing import Any, Unpack

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from itsdangerous import URLSafeSerializer

from tests.application.wsgi_client import environ_for
from wiverno.core.exceptions import MissingExtraError
from wiverno.core.http.set_cookie import CookieAttributes
from wiverno.core.requests import Request
from wiverno.core.responses import Response
from wiverno.sessions import (
    MAX_COOKIE_BYTES,
    Session,
    SessionDataError,
    Sessions,
    SessionSettings,
    SessionSettingsError,
)

SECRET = "0123456789abcdef" * 2
OTHER = "fedcba9876543210" * 2
DAY_S = 24 * 60 * 60


class Clock:
    """Time that stands still until a test moves it."""

    def __init__(self) -> None:
        self.now_s = 1_800_000_000.5

    def __call__(self) -> float:
        return self.now_s


class TellingResponse(Response):
    """Tells what was said of its cookies, beside setting them."""

    def __init__(self, status: int = 200) -> None:
        super().__init__(status=status)
        self.told: list[tuple[str, str, dict[str, Any]]] = []

    def set_cookie(
        self, name: str, value: str = "", **attributes: Unpack[CookieAttributes]
    ) -> None:
        self.told.append((name, value, {**attributes}))
        super().set_cookie(name, value, **attributes)


def request_with(cookies: Mapping[str, str]) -> Request:
    text = "; ".join(f"{name}={value}" for name, value in cookies.items())
    return Request(environ_for(HTTP_COOKIE=text))


class Browser:
    """Keeps the cookie from one request to the next."""

    def __init__(self, sessions: Sessions) -> None:
        self.sessions = sessions
        self.cookies: dict[str, str] = {}

    def ask(self, view: Any) -> TellingResponse:
        """A request whose view is `view(session)`."""
        session = self.sessions.open(request_with(self.cookies))
        view(session)
        response = TellingResponse()
        self.sessions.save(session, response)
        for name, value, attributes in response.told:
            self.cookies.pop(name, None)
            if attributes["max_age"]:
                self.cookies[name] = value
        return response

    def read(self) -> dict[str, Any]:
        return dict(self.sessions.open(request_with(self.cookies)))


def sessions_with(secret: Any = SECRET, clock: Clock | None = None, **options: Any) -> Sessions:
    return Sessions(SessionSettings(secret, **options), now=clock or Clock())


@pytest.fixture
def browser() -> Browser:
    return Browser(sessions_with())


# What is kept.


def test_session_when_written_is_there_on_the_next_request(browser: Browser) -> None:
    browser.ask(lambda session: session.update(user=7, name="Ådå", cart=[1, None, {"a": 1.5}]))

    assert browser.read() == {"user": 7, "name": "Ådå", "cart": [1, None, {"a": 1.5}]}


def test_session_when_only_read_sets_no_cookie_but_varies(browser: Browser) -> None:
    browser.ask(lambda session: session.update(user=7))
    response = browser.ask(lambda session: session["user"])

    assert response.told == []
    assert response.headers.getlist("Vary") == ["Cookie"]
    assert "Cache-Control" not in response.headers


@pytest.mark.parametrize(
    "change",
    [
        lambda session: session.update(b=1),
        lambda session: session.setdefault("b", 1),
        lambda session: session.pop("a"),
        lambda session: session.popitem(),
        lambda session: session.__delitem__("a"),
        lambda session: session.__ior__({"b": 1}),
        lambda session: session["a"].append(3),
        lambda session: session["a"][0].update(x=2),
    ],
)
def test_session_when_changed_anyhow_is_saved(browser: Browser, change: Any) -> None:
    browser.ask(lambda session: session.update(a=[{"x": 1}], z=0))
    before = browser.read()

    response = browser.ask(change)

    assert len(response.told) == 1
    assert browser.read() != before


def test_session_when_set_to_what_it_was_is_not_saved(browser: Browser) -> None:
    browser.ask(lambda session: session.update(a=[1, 2]))

    assert browser.ask(lambda session: session.update(a=(1, 2))).told == []


def test_session_when_emptied_takes_the_cookie_away(browser: Browser) -> None:
    browser.ask(lambda session: session.update(user=7))
    response = browser.ask(lambda session: session.clear())

    [(name, value, attributes)] = response.told
    assert (name, value, attributes["max_age"]) == ("session", "", 0)
    assert browser.read() == {}


def test_session_when_it_was_empty_and_stays_so_sets_nothing(browser: Browser) -> None:
    assert browser.ask(lambda session: session.clear()).told == []


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
).filter(lambda value: "inf" not in repr(value))


@settings(derandomize=True, max_examples=150, deadline=None)
@given(st.dictionaries(st.text(), values, max_size=4))
def test_session_when_it_holds_any_json_comes_back_as_it_was(content: dict[str, Any]) -> None:
    browser = Browser(sessions_with())
    try:
        browser.ask(lambda session: session.update(content))
    except SessionDataError as error:
        assert "browsers keep no more" in str(error)  # noqa: PT017 - drawn too large is fine
        return

    assert browser.read() == content


# The cookie.


def test_cookie_when_set_is_for_this_site_and_no_script(browser: Browser) -> None:
    [(name, _, attributes)] = browser.ask(lambda session: session.update(a=1)).told

    assert name == "session"
    assert attributes == {
        "max_age": 14 * DAY_S,
        "path": "/",
        "domain": None,
        "secure": None,  # By the scheme of the request: the response knows it.
        "httponly": True,
        "samesite": "Lax",
    }


def test_cookie_when_settings_say_more_follows_them_also_when_taken_away() -> None:
    browser = Browser(
        sessions_with(
            cookie_name="__Secure-s",
            max_age_s=60,
            path="/shop",
            domain="example.com",
            secure=True,
            samesite="None",
        )
    )
    set_response = browser.ask(lambda session: session.update(a=1))
    taken_response = browser.ask(lambda session: session.clear())

    for response, max_age in ((set_response, 60), (taken_response, 0)):
        [(name, _, attributes)] = response.told
        assert name == "__Secure-s"
        assert attributes == {
            "max_age": max_age,
            "path": "/shop",
            "domain": "example.com",
            "secure": True,
            "httponly": True,
            "samesite": "None",
        }


def test_cookie_when_read_by_its_value_is_of_characters_that_cookies_may_have(
    browser: Browser,
) -> None:
    browser.ask(lambda session: session.update(a='", ;\\ \x00é€'))

    assert set(browser.cookies["session"]) <= set(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."
    )


# What is not believed.


@settings(derandomize=True, max_examples=500, deadline=None)
@example("\udc80")
@given(
    st.text(st.characters())
    | st.from_regex(r"\.?[A-Za-z0-9_=-]{0,80}(\.[A-Za-z0-9_=-]{0,40}){0,3}")
)
def test_open_when_the_cookie_is_any_text_is_an_empty_session(text: str) -> None:
    assert sessions_with().open(request_with({"session": text})) == {}


@settings(derandomize=True, max_examples=300, deadline=None)
@given(st.data())
def test_open_when_one_character_is_changed_is_an_empty_session(data: st.DataObject) -> None:
    browser = Browser(sessions_with())
    browser.ask(lambda session: session.update(user=7, is_admin=False))
    text = browser.cookies["session"]
    place = data.draw(st.integers(0, len(text) - 1))
    character = data.draw(st.characters(codec="ascii").filter(lambda each: each != text[place]))
    changed = f"{text[:place]}{character}{text[place + 1 :]}"

    found = browser.sessions.open(request_with({"session": changed}))

    # The last character of a signature has bits that mean nothing.
    assert found == ({} if place < len(text) - 1 else found)
    assert found in ({}, {"user": 7, "is_admin": False})


def test_open_when_the_content_was_exchanged_is_an_empty_session(browser: Browser) -> None:
    browser.ask(lambda session: session.update(is_admin=False))
    _, signature = browser.cookies["session"].rsplit(".", 1)
    content = json.dumps([1_800_000_000, {"is_admin": True}]).encode()
    forged = f"{base64.urlsafe_b64encode(content).rstrip(b'=').decode()}.{signature}"

    assert browser.sessions.open(request_with({"session": forged})) == {}


def test_open_when_signed_with_the_secret_for_something_else_is_an_empty_session() -> None:
    elsewhere = URLSafeSerializer(SECRET, salt="reset-password").dumps([1_800_000_000, {"u": 1}])
    other_cookie = Browser(sessions_with(cookie_name="admin"))
    other_cookie.ask(lambda session: session.update(u=1))

    for text in (elsewhere, other_cookie.cookies["admin"]):
        assert sessions_with().open(request_with({"session": str(text)})) == {}


@pytest.mark.parametrize(
    "content", [None, 7, [], {}, [1], ["x", {}], [1_800_000_000, []], [1_800_000_000, {}, 1]]
)
def test_open_when_the_signature_holds_but_the_content_is_not_ours_is_empty(content: Any) -> None:
    sessions = sessions_with()
    text = sessions._serializer.dumps(content)

    assert sessions.open(request_with({"session": text})) == {}


def test_open_when_the_cookie_is_huge_is_an_empty_session() -> None:
    sessions = sessions_with()
    text = sessions._serializer.dumps([1_800_000_000, {"a": str(list(range(5000)))}])

    assert len(text) > MAX_COOKIE_BYTES
    assert sessions.open(request_with({"session": text})) == {}


def test_session_when_as_old_as_it_may_be_is_forgotten() -> None:
    clock = Clock()
    browser = Browser(sessions_with(clock=clock, max_age_s=DAY_S))
    browser.ask(lambda session: session.update(user=7))

    clock.now_s += DAY_S - 1
    assert browser.read() == {"user": 7}
    clock.now_s += 1
    assert browser.read() == {}


def test_session_when_changed_again_is_kept_from_then_on() -> None:
    clock = Clock()
    browser = Browser(sessions_with(clock=clock, max_age_s=DAY_S))
    browser.ask(lambda session: session.update(visits=1))
    clock.now_s += DAY_S - 1
    browser.ask(lambda session: session.update(visits=2))
    clock.now_s += DAY_S - 1

    assert browser.read() == {"visits": 2}


def test_session_when_written_by_a_machine_whose_clock_is_ahead_is_taken() -> None:
    ahead, behind = Clock(), Clock()
    ahead.now_s += 5
    browser = Browser(sessions_with(clock=ahead))
    browser.ask(lambda session: session.update(user=7))

    assert sessions_with(clock=behind).open(request_with(browser.cookies)) == {"user": 7}


# Secrets.


def test_secret_when_changed_takes_cookies_of_the_old_one_and_signs_with_the_new() -> None:
    browser = Browser(sessions_with(OTHER))
    browser.ask(lambda session: session.update(visits=1))
    browser.sessions = sessions_with([SECRET, OTHER])

    assert browser.read() == {"visits": 1}
    browser.ask(lambda session: session.update(visits=2))
    browser.sessions = sessions_with(SECRET)
    assert browser.read() == {"visits": 2}


def test_secret_when_another_one_is_used_takes_no_cookie(browser: Browser) -> None:
    browser.ask(lambda session: session.update(user=7))
    browser.sessions = sessions_with(OTHER)

    assert browser.read() == {}


@pytest.mark.parametrize(
    ("secret", "words"),
    [
        ("hunter2", "number 1 has 7 bytes"),
        (b"", "number 1 has 0 bytes"),
        ([SECRET, "hunter2"], "number 2 has 7 bytes"),
        ([], "holds no secret"),
        ([SECRET, None], "number 2 is of type NoneType"),
    ],
)
def test_secret_when_it_could_be_guessed_is_refused_without_being_shown(
    secret: Any, words: str
) -> None:
    with pytest.raises(SessionSettingsError, match=words) as caught:
        SessionSettings(secret)

    assert "hunter2" not in str(caught.value)
    assert "token_hex" in str(caught.value)


def test_settings_when_printed_do_not_show_the_secret() -> None:
    assert SECRET not in repr(SessionSettings(SECRET))


@pytest.mark.parametrize(
    "options",
    [
        {"path": "shop"},
        {"domain": "a b"},
        {"cookie_name": "__Host-session", "path": "/shop"},
        {"cookie_name": "__Secure-session", "secure": False},
    ],
)
def test_settings_when_no_browser_would_keep_the_cookie_are_refused_at_once(
    options: dict[str, Any],
) -> None:
    with pytest.raises(SessionSettingsError, match="Cookie '"):
        SessionSettings(SECRET, **options)


@pytest.mark.parametrize(
    "options",
    [
        {"cookie_name": "a b"},
        {"cookie_name": ""},
        {"cookie_name": "a;b"},
        {"max_age_s": 0},
        {"max_age_s": -1},
        {"samesite": "lax"},
        {"samesite": "None", "secure": False},
    ],
)
def test_settings_when_unusable_name_the_value(options: dict[str, Any]) -> None:
    [(name, value), *_] = options.items()

    with pytest.raises(SessionSettingsError, match=f"{name}={value!r}"):
        SessionSettings(SECRET, **options)


# What cannot be kept.


@pytest.mark.parametrize(
    "content",
    [
        {"a": object()},
        {"a": {1, 2}},
        {"a": b"bytes"},
        {"a": float("nan")},
        {"a": float("inf")},
        {1: "a number as key"},
        {"a": 10**5000},
    ],
)
def test_save_when_json_cannot_hold_it_says_so(browser: Browser, content: Any) -> None:
    with pytest.raises(SessionDataError, match=r"The (session|key)"):
        browser.ask(lambda session: session.update(content))


def test_save_when_the_session_holds_itself_says_so(browser: Browser) -> None:
    with pytest.raises(SessionDataError, match="Circular reference"):
        browser.ask(lambda session: session.update(me=session))


def test_save_when_the_session_is_too_large_names_its_keys(browser: Browser) -> None:
    with pytest.raises(SessionDataError, match=r"bytes as a cookie.* keys: 'cart'\."):
        browser.ask(lambda session: session.update(cart=str(list(range(5000)))))


def test_session_when_made_of_values_is_a_dictionary_of_its_own() -> None:
    values = {"a": 1}
    session = Session(values)
    session["b"] = 2

    assert isinstance(session, dict)
    assert values == {"a": 1}
    assert session.modified


def test_sessions_when_itsdangerous_is_missing_name_the_extra(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real_import = builtins.__import__

    def without(name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "itsdangerous":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return real_import(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)

    with pytest.raises(MissingExtraError, match=r"pip install 'wiverno\[sessions\]'") as caught:
        sessions_with()
    assert caught.value.name == "itsdangerous"
