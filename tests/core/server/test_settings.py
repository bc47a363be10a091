"""Settings: each is explained, each can be given to RunServer, and bad ones are named."""

import math
import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest

from tests.core.server.serving import hello
from wiverno.core.server import RunServer
from wiverno.core.server.about import GROUPS, about, value_type
from wiverno.core.server.limits import RequestLimits, ServerSettingsError
from wiverno.core.server.options import ServerOptions
from wiverno.core.server.settings import ServerSettings, all_settings

SETTINGS = list(all_settings())


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: str(setting.name))
def test_setting_is_explained_and_takes_its_own_default(setting: Any) -> None:
    words = about(setting)
    assert words.meaning.endswith(".")
    assert words.reason.endswith(".")
    assert words.group in GROUPS
    if setting.default is not None:
        assert isinstance(setting.default, value_type(setting))
    if value_type(setting) in (int, float):
        assert words.unit


def test_options_of_run_server_are_the_settings() -> None:
    assert ServerOptions.__required_keys__ == frozenset()
    assert [*ServerOptions.__annotations__] == [
        each.name for each in SETTINGS if each.name != "backlog"
    ]
    kinds = {each.name: each.type for each in SETTINGS}
    assert {name: kinds[name] for name in ServerOptions.__annotations__} == (
        ServerOptions.__annotations__
    )


def test_names_of_settings_and_their_options_are_unique() -> None:
    names = [each.name for each in SETTINGS]
    options = [about(each).option for each in SETTINGS if about(each).option]
    assert len(set(names)) == len(names)
    assert len(set(options)) == len(options)


def test_run_server_takes_each_setting_by_its_name() -> None:
    server = RunServer(hello, request_queue_size=7, threads=3, max_body_bytes=10, root_path="/shop")
    assert server.settings == ServerSettings(
        threads=3, backlog=7, root_path="/shop", limits=RequestLimits(max_body_bytes=10)
    )


def test_run_server_settings_tell_the_queue_that_is_used() -> None:
    assert RunServer(hello).settings.backlog == 5
    assert RunServer(hello, settings=ServerSettings(threads=2)).settings.backlog == 5
    both = RunServer(hello, settings=ServerSettings(backlog=64), request_queue_size=64)
    assert both.settings.backlog == 64


def test_run_server_with_two_queue_sizes_names_both() -> None:
    with pytest.raises(TypeError, match=r"settings\.backlog=64 and request_queue_size=5"):
        RunServer(hello, settings=ServerSettings(backlog=64))


def test_run_server_with_settings_and_options_names_both() -> None:
    with pytest.raises(TypeError, match=r"Both settings= and threads="):
        RunServer(hello, settings=ServerSettings(), threads=3)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("thread", "Did you mean 'threads'"),
        ("head_timeout", "Did you mean 'head_timeout_s'"),
        ("timeout_head", "Did you mean 'head_timeout_s'"),
        ("backlog", "request_queue_size"),
        ("limits", "max_body_bytes=1024"),
        ("zzz", "There are: accept_pause_s"),
    ],
)
def test_run_server_with_an_unknown_option_tells_the_closest(name: str, hint: str) -> None:
    with pytest.raises(TypeError, match=hint) as caught:
        RunServer(hello, **{name: 1})  # type: ignore[arg-type]  # The mistake.
    assert repr(name) in str(caught.value)


@pytest.mark.parametrize("size", [0, -1, True, "5", None])
def test_run_server_with_bad_queue_size_uses_its_own_word(size: int) -> None:
    with pytest.raises(ServerSettingsError, match=f"^request_queue_size={size!r} cannot work"):
        RunServer(hello, request_queue_size=size)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"threads": 0}, "threads=0 cannot work. Use a whole number above 0."),
        ({"threads": 1.5}, "threads=1.5 cannot work"),
        ({"threads": True}, "threads=True cannot work"),
        ({"threads": None}, "threads=None cannot work"),
        ({"max_connections": -1}, "max_connections=-1 cannot work"),
        ({"head_timeout_s": -1}, "head_timeout_s=-1 cannot work. Use seconds above 0"),
        ({"head_timeout_s": math.nan}, "head_timeout_s=nan cannot work"),
        ({"head_timeout_s": math.inf}, "86400 (a day) at most"),
        ({"head_timeout_s": "30"}, "head_timeout_s='30' cannot work"),
        ({"access_log": "yes"}, "access_log='yes' is no bool"),
        ({"access_log_format": "apache"}, "Use one of common, combined, json."),
        ({"access_log_skip": "/healthz"}, "is no tuple of texts"),
        ({"access_log_skip": ("healthz",)}, "access_log_skip='healthz' is no path"),
        ({"log_level": "INFO"}, "log_level='INFO' is not known"),
        ({"root_path": "shop"}, "root_path='shop' is no path. Write it as /shop"),
        ({"root_path": "/"}, "root_path='/' is no path"),
        ({"root_path": "/shop/"}, "root_path='/shop/' is no path"),
        ({"root_path": "/a%20b"}, "root_path='/a%20b' is no path"),
        ({"uds": ""}, "uds='' is no path"),
        ({"uds": "/a\0b"}, "is no path"),
        ({"server_name": 5}, "server_name=5 is no str"),
        ({"forwarded_allow_ips": "proxy"}, "forwarded_allow_ips='proxy' has 'proxy', which is"),
        ({"forwarded_allow_ips": None}, "forwarded_allow_ips=None is no str"),
        ({"max_body_bytes": 0}, "max_body_bytes=0 cannot work"),
    ],
)
def test_run_server_with_a_bad_value_names_setting_value_and_remedy(
    options: Any, words: str
) -> None:
    with pytest.raises(ServerSettingsError) as caught:
        RunServer(hello, **options)
    assert words in str(caught.value)


def test_settings_replaced_are_checked_again() -> None:
    with pytest.raises(ServerSettingsError, match="threads=-3"):
        replace(ServerSettings(), threads=-3)


@pytest.mark.processes
@pytest.mark.parametrize(
    ("module", "absent"),
    [
        ("wiverno.core.server.settings", "socket selectors logging threading tempfile"),
        ("wiverno.core.server.run_server", "ipaddress json tempfile difflib email http"),
    ],
)
def test_import_brings_only_what_it_needs(module: str, absent: str) -> None:
    program = f"import sys; import {module}; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    assert not set(absent.split()) & set(done.stdout.split())
