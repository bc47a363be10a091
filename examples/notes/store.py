"""The notes, in a SQLite database."""

import sqlite3
from contextlib import closing
from pathlib import Path

FOLDER = Path("data")


def prepare():
    """Make what is not there yet. Called once in each process, before the first request."""
    FOLDER.mkdir(exist_ok=True)
    run(
        "create table if not exists notes (id integer primary key, text text not null,"
        " owner text not null, picture text not null)"
    )


def all_notes():
    return run("select * from notes order by id desc")


def find(note_id):
    # As text: numbers in a path may be longer than SQLite's.
    found = run("select * from notes where id = ?", str(note_id))
    return found[0] if found else None


def add(text, owner="", picture=""):
    return run(
        "insert into notes (text, owner, picture) values (?, ?, ?) returning *",
        *(text, owner, picture),
    )[0]


def remove(note_id):
    run("delete from notes where id = ?", note_id)


def run(sql, *values):
    """Run one statement. Returns its rows as dictionaries."""
    with closing(sqlite3.connect(FOLDER / "notes.db")) as database, database:
        database.row_factory = sqlite3.Row
        return [dict(row) for row in database.execute(sql, values)]
