"""The names that people import."""

import subprocess
import sys

import pytest

import wiverno


def test_all_when_read_is_sorted_and_every_name_exists() -> None:
    assert sorted(wiverno.__all__) == wiverno.__all__
    assert all(getattr(wiverno, name) is not None for name in wiverno.__all__)
    assert set(wiverno.__all__) <= set(dir(wiverno))


def test_contract_names_when_imported_by_their_documented_paths_are_the_same_objects() -> None:
    from wiverno.core.exceptions import InvalidHTTPStatusError, RouteConflictError, WivernoError
    from wiverno.core.requests import QueryDict, Request
    from wiverno.core.routing.router import Router
    from wiverno.main import Wiverno

    assert (wiverno.Wiverno, wiverno.Router, wiverno.Request) == (Wiverno, Router, Request)
    assert issubclass(RouteConflictError, WivernoError)
    assert issubclass(InvalidHTTPStatusError, WivernoError)
    assert issubclass(QueryDict, dict)


def test_unknown_name_when_asked_for_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'Nothing'"):
        _ = wiverno.Nothing


@pytest.mark.processes
def test_front_door_when_opened_loads_nothing_behind_it() -> None:
    program = (
        "import sys, wiverno\n"
        "loaded = [name for name in sys.modules if name.startswith('wiverno')]\n"
        "assert set(loaded) == {'wiverno', 'wiverno.version'}, loaded\n"
        "from wiverno import Wiverno\n"
        "assert 'wiverno.main' in sys.modules\n"
        "third_party = {'click', 'rich', 'watchdog', 'jinja2'} & set(sys.modules)\n"
        "assert not third_party, third_party\n"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)

    assert (done.returncode, done.stderr) == (0, "")
