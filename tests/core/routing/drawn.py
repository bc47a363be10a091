"""What Hypothesis draws: patterns, and paths that nearly or really fit them."""

from hypothesis import strategies as st

from tests.core.routing.naive import PARAMETER, Registration, is_rest, match_segment
from wiverno.core.http.paths import normalize_path

STATIC = ["a", "b", "", "..", "é", "%41", "7", "-7", "a.txt", "v7"]
PARAMETERS = [
    "{_}",
    "{_:int}",
    "{_:float}",
    "{_:own}",
    "v{_:int}",
    "{_}.txt",
    "{_:own}.txt",
    "a{_}",
    "{_}-{_}",
    "{_:int}-{_:int}",
    "{_:own}-{_}",
    "{_:float}-{_:own}",
    "{_}-{_:int}x{_}",
    "{_:path}",
    "v{_:path}.txt",
]
TEXTS = [
    *STATIC,
    "1.5",
    "-1.50",
    "007",
    "a-b",
    "a-b-c",
    "--",
    "1--2",
    "1-2x3",
    "-1-2",
    "beef",
    "ef.txt",
    "x.txt",
    ".txt",
    "a7",
    "v-7",
    "\N{ARABIC-INDIC DIGIT SEVEN}",
    "\N{SUPERSCRIPT TWO}",
    "a b\n",
    "?#&",
    "a" * 256,
    "a-" * 128,
    "9" * 300,
    "9" * 301,
    "x" * 70_000,
]


METHODS = st.none() | st.lists(
    st.sampled_from(["GET", "POST", "HEAD", "BREW"]), min_size=1, max_size=2, unique=True
).map(tuple)


def _named(segments: list[str]) -> str:
    """A pattern of `segments`, whose parameters get names, and one `path` at most."""
    rests = [i for i, segment in enumerate(segments) if is_rest(segment)]
    for i in rests[1:]:
        segments[i] = "b"
    names = iter("pqrstuvwxyz")
    return normalize_path(
        PARAMETER.sub(
            lambda found: "{" + next(names) + (f":{found[2]}" if found[2] else "") + "}",
            "/" + "/".join(segments),
        )
    )


patterns = st.lists(
    st.sampled_from(STATIC) | st.sampled_from(PARAMETERS), min_size=1, max_size=4
).map(_named)

registrations: st.SearchStrategy[list[Registration]] = st.lists(
    st.tuples(patterns, METHODS), min_size=1, max_size=8
)

# All that fits each of them, so that routes are drawn that compete for a path.
FITTING = {
    text: [each for each in [text, *PARAMETERS] if match_segment(each, text) is not None]
    for text in ["7", "a", "v7", "a-b", "7-7", "1.5-a", "a.txt", "be.txt", "7-7x-7"]
}


@st.composite
def competitions(draw: st.DrawFn) -> tuple[str, list[Registration]]:
    """A path, and routes that have it, if not all with the same methods."""
    path = draw(st.lists(st.sampled_from(sorted(FITTING)), min_size=1, max_size=3))

    def fitting() -> str:
        segments = [draw(st.sampled_from(FITTING[text])) for text in path]
        if draw(st.integers(0, 3)) == 0:
            start = draw(st.integers(0, len(path) - 1))
            end = draw(st.integers(start + 1, len(path)))
            segments[start:end] = ["{_:path}"]
        return _named(segments)

    count = draw(st.integers(2, 8))
    return "/" + "/".join(path), [(fitting(), draw(METHODS)) for _ in range(count)]


texts = st.sampled_from(TEXTS) | st.text(
    st.characters(exclude_characters="/", exclude_categories=["Cs"]), max_size=6
)
paths = st.lists(texts, min_size=1, max_size=5).map(
    lambda segments: normalize_path("/" + "/".join(segments))
)
