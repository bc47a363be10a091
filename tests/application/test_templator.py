"""Templator and the templates of error pages."""

import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from jinja2 import Environment, TemplateNotFound
from markupsafe import Markup

from wiverno import Wiverno
from wiverno.templating.error_templates import ErrorTemplates
from wiverno.templating.templator import Templator


@pytest.fixture
def templates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "templates"
    folder.mkdir()
    (folder / "greeting.html").write_text("Hello {{ name }}, {{ mood }}!", encoding="utf-8")
    return folder


def test_templator_when_made_remembers_the_current_directory(
    templates: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    templator = Templator()
    monkeypatch.chdir("/")

    assert templator.base_dir == tmp_path
    assert templator.render("greeting.html", {"name": "Ada"}) == "Hello Ada, !"


def test_render_when_both_give_a_value_takes_the_keyword(templates: Path) -> None:
    content = {"name": "Ada", "mood": "calm"}

    assert Templator().render("greeting.html", content, mood="glad") == "Hello Ada, glad!"
    assert content == {"name": "Ada", "mood": "calm"}


def test_render_when_a_value_is_called_name_takes_it(templates: Path) -> None:
    assert Templator().render("greeting.html", name="Ada", mood="glad") == "Hello Ada, glad!"
    assert Wiverno().render("greeting.html", name="Ada", mood="glad") == "Hello Ada, glad!"


@pytest.mark.parametrize("file", ["page.html", "page.txt", "page.j2", "page"])
def test_render_when_a_value_is_markup_by_accident_escapes_it(templates: Path, file: str) -> None:
    (templates / file).write_text("{{ value }}", encoding="utf-8")

    assert Templator().render(file, value="<b>&'\"") == "&lt;b&gt;&amp;&#39;&#34;"
    assert Templator().render(file, value=Markup("<b>")) == "<b>"


@pytest.mark.parametrize("content", ["Ada", ["Ada"], 7, [("name", "Ada")]])
def test_render_when_content_is_no_dictionary_is_a_type_error(
    templates: Path, content: Any
) -> None:
    with pytest.raises(TypeError, match="Content must be a dictionary, not "):
        Templator().render("greeting.html", content)


@pytest.mark.parametrize("empty", [None, {}])
def test_render_when_content_is_empty_renders(templates: Path, empty: Any) -> None:
    assert Templator().render("greeting.html", empty) == "Hello , !"


@pytest.mark.parametrize("name", ["../secret.html", "/etc/passwd", "missing.html"])
def test_render_when_the_template_is_not_in_the_folder_says_so(templates: Path, name: str) -> None:
    (templates.parent / "secret.html").write_text("secret", encoding="utf-8")

    with pytest.raises(TemplateNotFound, match=r"secret\.html|passwd|missing\.html"):
        Templator().render(name)


def test_templator_when_another_folder_is_given_reads_that(templates: Path) -> None:
    (templates / "mail").mkdir()
    (templates / "mail" / "hi.html").write_text("hi", encoding="utf-8")

    assert Templator("templates/mail").render("hi.html") == "hi"
    assert Templator(templates / "mail").render("hi.html") == "hi"


def test_env_when_a_filter_is_added_has_it_in_templates(templates: Path) -> None:
    (templates / "shout.html").write_text("{{ word | shout }}", encoding="utf-8")
    templator = Templator()

    templator.env.filters["shout"] = lambda word: word.upper() + "!"

    assert isinstance(templator.env, Environment)
    assert templator.env is templator.env
    assert templator.render("shout.html", word="hey") == "HEY!"


def test_env_when_asked_for_by_many_threads_is_one(templates: Path) -> None:
    templator, found = Templator(), set()
    together = threading.Barrier(8)

    def look() -> None:
        together.wait(10)
        found.add(id(templator.env))

    threads = [threading.Thread(target=look) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)

    assert len(found) == 1


@pytest.mark.parametrize("auto_reload", [True, False])
def test_env_when_reloading_is_said_reloads_by_it(templates: Path, auto_reload: bool) -> None:
    assert Templator(auto_reload=auto_reload).env.auto_reload is auto_reload


@pytest.mark.processes
def test_templator_when_only_made_does_not_import_jinja2() -> None:
    program = (
        "import sys\n"
        "from wiverno.templating.templator import Templator\n"
        "templator = Templator()\n"
        "assert 'jinja2' not in sys.modules\n"
        "assert templator.env and 'jinja2' in sys.modules\n"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)

    assert (done.returncode, done.stderr) == (0, "")


def test_error_template_when_there_is_one_is_rendered(templates: Path) -> None:
    (templates / "404.html").write_text("<h1>{{ status_code }} {{ path }}</h1>", encoding="utf-8")

    page = ErrorTemplates("templates").page(404, {"status_code": 404, "path": "/<b>"})

    assert page == "<h1>404 /&lt;b&gt;</h1>"


def test_error_template_when_there_is_none_is_none(templates: Path) -> None:
    assert ErrorTemplates("templates").page(500, {}) is None


def test_error_template_when_what_it_includes_is_missing_is_an_error(templates: Path) -> None:
    (templates / "500.html").write_text("{% include 'gone.html' %}", encoding="utf-8")

    with pytest.raises(TemplateNotFound, match=r"gone\.html"):
        ErrorTemplates("templates").page(500, {})
