"""`make fuzz`: atheris looks for bytes that a check does not pass.

    python -m tests.core.server.reader.fuzz_request_reader CHECK [options of libFuzzer]

Begins with the examples. Bytes that it finds belong there, with a name.
"""

import random
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from tests.core.server.reader.examples import ACCEPTED, REFUSED
from tests.core.server.reader.mutation import mutated

Check: TypeAlias = Callable[[bytes], None]
FOLDER = Path(".fuzz")


def load_invariants() -> Check:
    """What holds for any bytes, with the default limits and with small ones."""
    from tests.core.server.reader.invariants import DEFAULT, SMALL, check_reader

    def check(data: bytes) -> None:
        check_reader(data, DEFAULT)
        check_reader(data, SMALL)

    return check


def load_differences() -> Check:
    """Where h11 or httptools read otherwise, there is a rule."""
    from tests.core.server.reader.rules import unexplained

    def check(data: bytes) -> None:
        differences = unexplained(data)
        assert not differences, differences

    return check


# They import the server, which only then can be instrumented.
CHECKS: dict[str, Callable[[], Check]] = {
    "invariants": load_invariants,
    "differences": load_differences,
}


def main(name: str, options: list[str]) -> None:
    """Ends the process: with 0 after the time given in the options, otherwise with a finding."""
    import atheris

    with atheris.instrument_imports(include=["wiverno"]):
        check = CHECKS[name]()

    def mutate(data: bytes, max_size: int, seed: int) -> bytes:
        # Every other time what libFuzzer learned by itself.
        if seed % 2:
            return bytes(atheris.Mutate(data, max_size))
        return mutated(data, random.Random(seed))[:max_size]

    corpus = FOLDER / name
    corpus.mkdir(parents=True, exist_ok=True)
    for number, (data, _) in enumerate([*ACCEPTED.values(), *REFUSED.values()]):
        if len(data) < 1000:
            (corpus / f"example-{number}").write_bytes(data)
    arguments = [sys.argv[0], f"-artifact_prefix={FOLDER}/{name}-", "-max_len=2000"]
    # A later option wins.
    atheris.Setup([*arguments, *options, str(corpus)], check, custom_mutator=mutate)
    atheris.Fuzz()


if __name__ == "__main__":
    if sys.argv[1:2] == [] or sys.argv[1] not in CHECKS:
        sys.exit(f"Which check? One of: {', '.join(CHECKS)}.")
    main(sys.argv[1], sys.argv[2:])
