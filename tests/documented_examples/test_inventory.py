"""No documented example is forgotten: the list, the files and the tests name the same ones."""

from pathlib import Path

from tests.documented_examples import test_dev_server, test_run_server
from tests.documented_examples.example_sources import FOLDER

# What cannot run here, and what stands for it.
NOT_RUN = {
    "run_server/very_high_traffic.sh": "Gunicorn is no dependency of ours, not even of the tests; "
    "tests/application checks the application against PEP 3333, and Waitress runs it.",
    "run_server/permission_denied_sudo.sh": "Running as root is the machine's affair; the "
    "refusal that leads there is tested with run_server/error_handling.py.",
    "run_server/permission_denied_authbind.sh": "As above: authbind is a program of the machine.",
}


def test_inventory_when_compared_with_the_files_and_tests_is_complete() -> None:
    listed = [
        line.split()[0]
        for line in (Path(__file__).parent / "inventory.txt").read_text().splitlines()
        if line and not line.startswith("#")
    ]
    files = {file.relative_to(FOLDER).as_posix() for file in FOLDER.rglob("*.*")}
    tested = test_dev_server.TESTED | test_run_server.TESTED

    assert len(listed) == len(set(listed)) == 44
    assert set(listed) == files
    assert set(listed) == tested | set(NOT_RUN)
    assert not tested & set(NOT_RUN)
