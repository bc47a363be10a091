from hypothesis import given
from hypothesis import strategies as st

from wiverno.dev.loading.signatures import ABSENT, Signature
from wiverno.dev.watching.known import KnownFiles

ONE: Signature = (1, 1, 1, 1)

directories = st.lists(st.sampled_from("ab"), max_size=4).map(lambda names: "/" + "/".join(names))
files = directories.map(lambda directory: directory.rstrip("/") + "/m.py")


def test_directory_that_lost_its_last_file_is_remembered_until_it_vanishes() -> None:
    known = KnownFiles()
    known.learn("/p/a/m.py", ONE)
    known.learn("/p/a/m.py", ABSENT)
    assert known.below("/p") == {}
    assert known.forget_directory("/p/a")
    assert not known.forget_directory("/p/a")


def test_absent_file_of_an_unknown_directory_is_nothing() -> None:
    known = KnownFiles()
    known.learn("/p/a/m.py", ABSENT)
    assert not known.forget_directory("/p")


@given(st.lists(st.tuples(st.booleans(), files)), directories, st.sets(directories))
def test_below_and_forget_agree_with_a_plain_list(
    steps: list[tuple[bool, str]], top: str, left_out: set[str]
) -> None:
    known = KnownFiles()
    naive: dict[str, Signature] = {}
    for is_directory, path in steps:
        if is_directory:
            directory = path.removesuffix("/m.py") or "/"
            known.forget_directory(directory)
            naive = {file: one for file, one in naive.items() if not is_below(file, directory)}
        else:
            known.learn(path, ONE)
            naive[path] = ONE
    expected = {
        file: one
        for file, one in naive.items()
        if is_below(file, top)
        # What lies above the top leaves nothing out of it.
        and not any(is_below(file, other) and is_below(other, top) for other in left_out)
    }
    assert known.below(top, left_out) == expected
    assert all(known.signature_of(file) == one for file, one in naive.items())


def is_below(path: str, directory: str) -> bool:
    return path == directory or path.startswith(directory.rstrip("/") + "/")
