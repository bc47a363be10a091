"""App targets: which text leads to which object, and what a wrong one is told."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from wiverno.core.app_target import AppTarget, find_application, import_app_module, load, parse
from wiverno.core.exceptions import (
    AppAttributeNotFoundError,
    AppModuleNotFoundError,
    AppNotCallableError,
    AppTargetError,
    AppTargetSyntaxError,
)

WriteProject = Callable[[dict[str, str]], Path]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WriteProject]:
    """Writes files that can be imported, and forgets the modules afterwards."""
    monkeypatch.syspath_prepend(str(tmp_path))
    known = set(sys.modules)

    def write(files: dict[str, str]) -> Path:
        for name, text in files.items():
            file = tmp_path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        return tmp_path

    yield write
    for name, module in list(sys.modules.items()):
        if name not in known and str(tmp_path) in repr(module):
            del sys.modules[name]


@pytest.mark.parametrize(
    ("text", "module", "attribute", "is_factory"),
    [
        ("run", "run", "app", False),
        ("run:app", "run", "app", False),
        ("pkg.wsgi:application", "pkg.wsgi", "application", False),
        ("pkg:create_app()", "pkg", "create_app()", True),
        ("pkg:api.wsgi", "pkg", "api.wsgi", False),
        ("pkg:Factories.create()", "pkg", "Factories.create()", True),
        ("pkg:create('a:b')", "pkg", "create('a:b')", True),
        ("pkg:web.create('dev', debug=True)", "pkg", "web.create('dev', debug=True)", True),
    ],
)
def test_parse_when_well_formed_reads_both_parts(
    text: str, module: str, attribute: str, is_factory: bool
) -> None:
    target = parse(text)

    assert target == AppTarget(module, attribute)
    assert target.is_factory is is_factory
    assert target.attribute_path == attribute.partition("(")[0]
    assert parse(str(target)) == target


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "App module '' is not a module name"),
        (":app", "App module '' is not a module name"),
        ("run:", "names no attribute after the colon. Write 'run:app', or 'run' alone."),
        ("run.py", "App module 'run.py' is a file name. Write 'run'."),
        ("run.py:app", "Write 'run'."),
        ("./src/run.py", "Write the name to import, as in 'src.run'."),
        ("pkg\\run.py:app", "as in 'pkg.run'"),
        ("my-app:app", "App module 'my-app' is not a module name"),
        (".run:app", "App module '.run' is not a module name"),
        ("a:b:c", "App name 'b:c' cannot be looked up"),
        ("run:create_app(config)", "has the argument 'config', which is no literal"),
        ("run:create_app(debug=not 1)", "has the argument 'not 1', which is no literal"),
        ("run:create_app(*[1])", "has the argument '*[1]', which is no literal"),
        ("run:create_app(**{'a': 1})", "has the argument \"**{'a': 1}\", which is no literal"),
        ("run:create_app(__import__('os'))", "is no literal"),
        ("run:create_app(a, 1, b=c.d)", "has the arguments 'a', 'c.d', which are no literals."),
        ("run:create_app(a)", "for all else write a module with app = create_app(…) and give that"),
        ("run:create_app(dev", "cannot be read as a call. Write a factory with its arguments"),
        ("run:create_app()()", "cannot be read as a call"),
        ("run:create_app(1).wsgi", "cannot be read as a call"),
        ("run:create_app(1);app", "cannot be read as a call"),
        ("run:app[0]", "App name 'app[0]' cannot be looked up"),
        ("run:()", "App name '()' cannot be looked up"),
    ],
)
def test_parse_when_malformed_says_what_to_write(text: str, said: str) -> None:
    with pytest.raises(AppTargetSyntaxError) as caught:
        parse(text)

    assert said in str(caught.value)
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("app:create_app(config, debug)", 'create_app("config", True)'),
        ("app:create_app(config=Live, debug=on)", 'create_app(config="Live", debug="on")'),
        ("app:create_app(debug=true, log=null)", "create_app(debug=True, log=None)"),
        ("app:create_app('a b', [1], mode)", 'create_app("a b", [1], "mode")'),
        ("app:Maker.make(os.environ['A'], port=int('1'))", 'Maker.make("dev", port=8000)'),
        ("app:create_app(*a, **b)", "create_app()"),
    ],
)
def test_parse_when_an_argument_is_no_literal_shows_a_call_that_can_be_typed(
    text: str, shown: str
) -> None:
    with pytest.raises(AppTargetSyntaxError) as caught:
        parse(text)

    assert f"as in '{shown}'" in str(caught.value)
    assert parse(f"app:{shown}").attribute == shown


@pytest.mark.parametrize(
    "text",
    ["shop.site:app", "shop.site:create()", "shop.site:holder.app", "shop.site:Maker.make()"],
)
def test_load_when_the_target_exists_returns_its_application(
    project: WriteProject, text: str
) -> None:
    source = (
        "def app(environ, start_response): ...\n"
        "def create(): return app\n"
        "class Maker:\n"
        "    @staticmethod\n"
        "    def make(): return app\n"
        "class holder: app = staticmethod(app)\n"
    )
    project({"shop/__init__.py": "", "shop/site.py": source})

    assert load(parse(text)) is sys.modules["shop.site"].app


def test_load_when_taken_in_two_steps_imports_first(project: WriteProject) -> None:
    project({"two_steps.py": "app = lambda environ, start_response: []"})
    target = parse("two_steps")

    module = import_app_module(target)

    assert module is sys.modules["two_steps"]
    assert find_application(module, target) is module.app


def test_load_when_the_module_is_missing_says_where_it_looked(project: WriteProject) -> None:
    folder = project({"unrelated.py": ""})

    with pytest.raises(AppModuleNotFoundError) as caught:
        load(parse("absent_module"))

    error = caught.value
    assert isinstance(error, ModuleNotFoundError)
    assert error.name == "absent_module"
    assert str(error).startswith(
        f"No module named 'absent_module'. Looked in {folder} (first on sys.path) and "
    )
    assert "Start wiverno in the folder that holds it" in str(error)
    assert "\n" not in str(error)
    assert error.__suppress_context__


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("shpo", "shop"),
        ("rnu", "run"),
        ("main", "shop.main"),
        ("shop.mian", "shop.main"),
        # As Django's WSGI_APPLICATION and uWSGI's `module` have it: a dot for the colon.
        ("run.app", "run:app"),
        ("shop.main.application", "shop.main:application"),
        ("absent", None),
    ],
)
def test_load_when_the_module_is_missing_suggests_a_close_one(
    project: WriteProject, text: str, meant: str | None
) -> None:
    project({"run.py": "", "shop/__init__.py": "", "shop/main.py": "app = 1"})

    with pytest.raises(AppModuleNotFoundError) as caught:
        load(parse(text))

    said = f"Did you mean {meant!r}?" if meant else "or name another module: 'myapp.main:app'."
    assert str(caught.value).endswith(said)


def test_load_when_a_parent_package_is_missing_names_it(project: WriteProject) -> None:
    project({})

    with pytest.raises(AppModuleNotFoundError) as caught:
        load(parse("absent_parent.inner.deep:app"))

    assert caught.value.name == "absent_parent"
    assert "No module named 'absent_parent' (needed for 'absent_parent.inner.deep')" in str(
        caught.value
    )


@pytest.mark.parametrize(
    ("files", "text", "missing"),
    [
        ({"needs.py": "import absent_dependency"}, "needs", "absent_dependency"),
        # The hard ones: the module that is missing is named like the target or its parent.
        ({"own/__init__.py": "import own.inner"}, "own.inner:app", "own.inner"),
        ({"up/__init__.py": "", "up/a.py": "import up.a.b"}, "up.a:app", "up.a.b"),
        ({"again.py": "import sys; sys.modules.pop('again'); raise ModuleNotFoundError("
          "'x', name='again')"}, "again", "again"),
    ],
)  # fmt: skip
def test_load_when_the_module_itself_misses_one_lets_that_error_out_unchanged(
    project: WriteProject, files: dict[str, str], text: str, missing: str
) -> None:
    folder = project(files)

    with pytest.raises(ModuleNotFoundError) as caught:
        load(parse(text))

    assert type(caught.value) is ModuleNotFoundError
    assert caught.value.name == missing
    assert str(caught.traceback[-1].path).startswith(str(folder))


def test_load_when_the_module_raises_lets_that_error_out_unchanged(project: WriteProject) -> None:
    project({"raising.py": "1 / 0"})

    with pytest.raises(ZeroDivisionError) as caught:
        load(parse("raising"))

    assert str(caught.traceback[-1].path).endswith("raising.py")


def test_load_when_the_attribute_is_missing_lists_what_is_there(project: WriteProject) -> None:
    source = (
        "import os\nfrom pathlib import Path\nfrom textwrap import dedent\n"
        "def application(environ, start_response): ...\n"
        "def create_app(): ...\n"
        "def _private(): ...\n"
        "number = 7\n"
    )
    folder = project({"listed.py": source})

    with pytest.raises(AppAttributeNotFoundError) as caught:
        load(parse("listed:app"))

    assert isinstance(caught.value, AttributeError)
    assert str(caught.value).startswith(
        f"module 'listed' (file {folder / 'listed.py'}) has no attribute 'app'; "
        "it has: application, create_app."
    )


def test_load_when_the_attribute_is_misspelt_suggests_the_close_one(project: WriteProject) -> None:
    project({"misspelt.py": "def application(environ, start_response): ...\n"})

    with pytest.raises(AppAttributeNotFoundError, match=r"Did you mean 'misspelt:application'\?"):
        load(parse("misspelt:aplication"))


@pytest.mark.parametrize(
    ("source", "text", "meant"),
    [
        ("def application(e, s): ...", "usual:app", "usual:application"),
        ("def app(e, s): ...", "usual:application", "usual:app"),
        ("def create_app(): ...", "usual:app", "usual:create_app()"),
        ("def make_app(): ...", "usual:create_app()", "usual:make_app()"),
        ("def create_app(): ...\ndef app(e, s): ...", "usual:application", "usual:app"),
    ],
)
def test_load_when_another_usual_name_is_there_suggests_it(
    project: WriteProject, source: str, text: str, meant: str
) -> None:
    project({"usual.py": source})

    with pytest.raises(AppAttributeNotFoundError) as caught:
        load(parse(text))

    assert str(caught.value).endswith(f"Did you mean {meant!r}?")


@pytest.mark.parametrize("package_file", [True, False])
@pytest.mark.parametrize("definition", ["app = object()", "app: int = 1", "def app(e, s): ..."])
def test_load_when_a_module_of_the_package_has_it_names_that_module(
    project: WriteProject, package_file: bool, definition: str
) -> None:
    files = {"wrong/other.py": "application = 1", "wrong/main.py": definition}
    project(files | ({"wrong/__init__.py": ""} if package_file else {}))

    with pytest.raises(AppAttributeNotFoundError) as caught:
        load(parse("wrong"))

    assert "it has: nothing that can be called." in str(caught.value)
    assert str(caught.value).endswith("Did you mean 'wrong.main:app'?")


def test_load_when_an_inner_attribute_is_missing_names_its_owner(project: WriteProject) -> None:
    project({"inner.py": "number = 7"})

    with pytest.raises(AppAttributeNotFoundError, match="a int has no attribute 'wsgi'"):
        load(parse("inner:number.wsgi"))


def test_load_when_the_modules_own_getattr_fails_lets_that_error_out(project: WriteProject) -> None:
    project({"lazy.py": "def __getattr__(name): raise AttributeError('mine')"})

    with pytest.raises(AttributeError, match="mine") as caught:
        load(parse("lazy"))

    assert not isinstance(caught.value, AppTargetError)


@pytest.mark.parametrize(
    ("source", "text", "said"),
    [
        ("app = 'text'", "kind:app", "kind:app is a str, not a callable application."),
        ("app = None", "kind:app", "kind:app is None, not a callable application."),
        ("def create(): ...", "kind:create()", "kind:create() returned None, not a callable"),
        ("def create(): ...", "kind:create", "write 'kind:create()'."),
        ("def create(debug=True): ...", "kind:create", "write 'kind:create()'."),
        ("def create(config): ...", "kind:create", "is called with (environ, start_response)"),
        (
            "def create(config): ...",
            "kind:create",
            "with literals as arguments: 'kind:create(\"config\")'.",
        ),
        ("def create(a=1, *, b=1, debug): ...", "kind:create", "'kind:create(debug=True)'."),
        ("def create(config): ...", "kind:create()", "cannot be called without arguments"),
        ("def create(config): ...", "kind:create()", "as in 'kind:create(\"dev\")'"),
        ("def create(): ...", "kind:create('dev')", "cannot be called with these arguments"),
        ("app = 'text'", "kind:app('dev')", "write 'kind:app' without the parentheses"),
        ("app = 'text'", "kind:app()", "write 'kind:app' without the parentheses"),
        ("def make(): return make", "kind:make()", "kind:make() returned a function that cannot"),
    ],
)
def test_load_when_it_is_no_application_says_what_it_is(
    project: WriteProject, source: str, text: str, said: str
) -> None:
    project({"kind.py": source})

    with pytest.raises(AppNotCallableError) as caught:
        load(parse(text))

    assert said in str(caught.value)
    assert isinstance(caught.value, TypeError)


def test_load_when_the_factory_has_literal_arguments_calls_it_with_them(
    project: WriteProject,
) -> None:
    project(
        {
            "makes.py": "def create(*a, **k):\n    app.seen = a, k\n    return app\n\n\n"
            "def app(environ, start_response): ...\n"
        }
    )

    application: Any = load(parse('makes:create("dev", -1, [None], debug=True, sizes={"a": 1})'))

    assert application.seen == (("dev", -1, [None]), {"debug": True, "sizes": {"a": 1}})


def test_load_when_the_factory_raises_lets_that_error_out(project: WriteProject) -> None:
    project({"bad_factory.py": "def create():\n    raise TypeError('mine')\n"})

    with pytest.raises(TypeError, match="mine") as caught:
        load(parse("bad_factory:create()"))

    assert not isinstance(caught.value, AppTargetError)


@pytest.mark.parametrize(
    "source",
    ["def app(environ, start_response): ...", "def app(*args): ...", "app = print", "class app: 1"],
)
def test_load_when_it_may_be_an_application_does_not_object(
    project: WriteProject, source: str
) -> None:
    project({"fine.py": source})

    assert load(parse("fine")) is sys.modules["fine"].app


@pytest.mark.processes
def test_app_target_when_imported_and_used_loads_no_module_for_errors(tmp_path: Path) -> None:
    (tmp_path / "run.py").write_text("def app(environ, start_response): ...\n")
    program = (
        "import sys\n"
        "from wiverno.core.app_target import load, parse\n"
        "load(parse('run'))\n"
        "heavy = {'difflib', 'wiverno.core.app_target_calls', 'wiverno.core.app_target_hints',"
        " 'pathlib', 'logging'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=30,
    )

    assert (done.returncode, done.stderr) == (0, "")
