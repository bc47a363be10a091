"""Random numbers in a forked process as after a cold start.

Not seeded, two processes must not draw the same numbers; seeded by the application, they
must. A forked process starts with its parent's numpy generator, whoever seeded it, and with
a new `random`, whoever had seeded that: each is wrong in one of the two cases.
"""

import random
import sys
from typing import Any

# A Mersenne Twister is this many words; they are replaced together when all are drawn.
_WORDS = 624
_BLOCK_BITS = 32 * _WORDS
# 320,000 numbers drawn between two looks, 1.5 ms to find out. More looks like a seed.
_BLOCKS = 512

_Words = tuple[int, ...]


class RandomState:
    """Follows the two global generators, `random`'s and numpy's legacy one, through forks.

    Made before the application's code runs. That the application drew numbers is told from
    that it seeded: drawing leads from the words seen last to the words there are now. What
    neither looks at: generators that the application has made itself, which live on like
    every value of an imported module, and a seed of None, which counts as a seed.
    """

    def __init__(self) -> None:
        self._python = _Twister(random.getstate()[1])
        self._numpy: _Twister | None = None
        self._python_state: Any = None

    def observe(self) -> None:
        """See what was drawn or seeded since the last look: at every point before user code."""
        self._python.observe(random.getstate()[1])
        numpy_random = _numpy_random()
        if numpy_random is None:
            return
        if self._numpy is None:
            self._numpy = _Twister(_first_numpy_words(numpy_random))
        self._numpy.observe(_numpy_words(numpy_random))

    def before_fork(self) -> None:
        """Keep what the child shall go on from."""
        self.observe()
        self._python_state = random.getstate() if self._python.is_seeded else None

    def after_fork_in_child(self) -> None:
        """Go on with what was seeded, take new entropy for the rest."""
        if self._python_state is not None:
            random.setstate(self._python_state)
        else:
            # `random` has seeded itself anew in this process.
            self._python = _Twister(random.getstate()[1])
        numpy_random = _numpy_random()
        if numpy_random is not None and self._numpy is not None and not self._numpy.is_seeded:
            # Not seed(): that would look like the application's own at the next fork.
            numpy_random.set_state(numpy_random.RandomState().get_state())
            self._numpy = _Twister(_numpy_words(numpy_random))


class _Twister:
    """The words of one generator as seen last, and whether the application has seeded it."""

    def __init__(self, words: _Words | None) -> None:
        self._words = words
        self.is_seeded = words is None

    def observe(self, words: _Words | None) -> None:
        if self.is_seeded or self._words is None:
            return
        self.is_seeded = words is None or not _is_drawn_from(self._words, words)
        self._words = words


def _is_drawn_from(before: _Words, now: _Words) -> bool:
    if before[:_WORDS] == now[:_WORDS]:
        return before[_WORDS] <= now[_WORDS]
    wanted = _generator(now).getrandbits(_BLOCK_BITS)
    walker = _generator(before)
    return any(walker.getrandbits(_BLOCK_BITS) == wanted for _ in range(_BLOCKS + 1))


def _generator(words: _Words) -> random.Random:
    """At the beginning of the block that `words` are."""
    generator = random.Random()
    generator.setstate((3, (*words[:_WORDS], 0), None))
    return generator


def _numpy_random() -> Any:
    """numpy.random, when the application has imported it; never imports it."""
    numpy_random = sys.modules.get("numpy.random")
    # Half imported, it has no generator yet.
    return numpy_random if hasattr(numpy_random, "mtrand") else None


def _numpy_words(numpy_random: Any) -> _Words | None:
    """None when the application has put another kind of generator in its place."""
    state = numpy_random.get_state(legacy=False)
    if state["bit_generator"] != "MT19937":
        return None
    return (*state["state"]["key"].tolist(), int(state["state"]["pos"]))


def _first_numpy_words(numpy_random: Any) -> _Words | None:
    """The words that numpy began with; None when it was seeded since.

    numpy keeps the entropy that it began with and forgets it when it is seeded. A version
    that tells nothing counts as unseeded when it is seen first.
    """
    unknown: Any = object()
    bits = getattr(numpy_random.mtrand._rand, "_bit_generator", None)
    entropy: Any = getattr(bits, "_seed_seq", unknown)
    if entropy is unknown:
        return _numpy_words(numpy_random)
    if entropy is None:
        return None
    words = entropy.generate_state(_WORDS).tolist()
    # MT19937 sets the first word itself and draws one before it begins.
    return (0x80000000, *words[1:], _WORDS - 1)
