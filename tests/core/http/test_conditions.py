"""Preconditions, by the table of RFC 9110 13.2.2."""

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wiverno.core.http.conditions import (
    Preconditions,
    Validators,
    range_is_current,
    unmet_status,
)

EARLIER = "Sun, 06 Nov 1994 08:49:36 GMT"
DATE = "Sun, 06 Nov 1994 08:49:37 GMT"
LATER = "Sun, 06 Nov 1994 08:49:38 GMT"
CURRENT = Validators.read('"a"', DATE)
WEAK = Validators.read('W/"a"', DATE)
ONLY_TAG = Validators.read('"a"', None)
ONLY_DATE = Validators.read(None, DATE)


@pytest.mark.parametrize(
    ("conditions", "status"),
    [
        # Nothing asked.
        (Preconditions(), None),
        # Step 1: If-Match.
        (Preconditions(if_match="*"), None),
        (Preconditions(if_match='"a"'), None),
        (Preconditions(if_match='"b", "a"'), None),
        (Preconditions(if_match='"b"'), 412),
        (Preconditions(if_match='W/"a"'), 412),
        (Preconditions(if_match=""), 412),
        (Preconditions(if_match="a"), 412),
        # Step 2: If-Unmodified-Since, only without If-Match.
        (Preconditions(if_unmodified_since=DATE), None),
        (Preconditions(if_unmodified_since=LATER), None),
        (Preconditions(if_unmodified_since=EARLIER), 412),
        (Preconditions(if_unmodified_since="never"), None),
        (Preconditions(if_match='"a"', if_unmodified_since=EARLIER), None),
        (Preconditions(if_match='"b"', if_unmodified_since=LATER), 412),
        # Step 3: If-None-Match.
        (Preconditions(if_none_match="*"), 304),
        (Preconditions(if_none_match='"a"'), 304),
        (Preconditions(if_none_match='W/"a"'), 304),
        (Preconditions(if_none_match='"b", W/"a" ,"c"'), 304),
        (Preconditions(if_none_match='"b"'), None),
        (Preconditions(if_none_match="a"), None),
        (Preconditions(if_none_match='"b*"'), None),
        # Step 4: If-Modified-Since, only without If-None-Match.
        (Preconditions(if_modified_since=DATE), 304),
        (Preconditions(if_modified_since=LATER), 304),
        (Preconditions(if_modified_since=EARLIER), None),
        (Preconditions(if_modified_since="never"), None),
        (Preconditions(if_none_match='"b"', if_modified_since=DATE), None),
        (Preconditions(if_none_match='"a"', if_modified_since=EARLIER), 304),
        # 1 and 2 come before 3 and 4.
        (Preconditions(if_match='"b"', if_none_match='"a"'), 412),
        (Preconditions(if_match='"a"', if_none_match='"a"'), 304),
        (Preconditions(if_unmodified_since=EARLIER, if_modified_since=LATER), 412),
        (Preconditions(if_unmodified_since=DATE, if_modified_since=DATE), 304),
        (Preconditions(if_unmodified_since=DATE, if_none_match='"b"'), None),
    ],
)
def test_precondition_when_asked_gives_the_status_of_rfc_9110(
    conditions: Preconditions, status: int | None
) -> None:
    assert unmet_status(conditions, CURRENT) == status


@pytest.mark.parametrize(
    ("conditions", "current", "status"),
    [
        # A weak tag matches weakly only.
        (Preconditions(if_match='W/"a"'), WEAK, 412),
        (Preconditions(if_match='"a"'), WEAK, 412),
        (Preconditions(if_none_match='"a"'), WEAK, 304),
        # RFC 9110 13.1.3, 13.1.4: ignored without a date.
        (Preconditions(if_modified_since=LATER), ONLY_TAG, None),
        (Preconditions(if_unmodified_since=EARLIER), ONLY_TAG, None),
        # No tag is like none of those named.
        (Preconditions(if_match='"a"'), ONLY_DATE, 412),
        (Preconditions(if_none_match='"a"', if_modified_since=DATE), ONLY_DATE, None),
    ],
)
def test_precondition_when_a_validator_is_weak_or_missing_is_not_guessed(
    conditions: Preconditions, current: Validators, status: int | None
) -> None:
    assert unmet_status(conditions, current) == status


@pytest.mark.parametrize("etag", [None, "", "a", '"a', "W/a", 'w/"a"', '"a" ', '"a""b"', '"a b"'])
def test_validators_when_the_tag_is_not_valid_lack_it(etag: str | None) -> None:
    assert Validators.read(etag, None).etag is None
    assert not Validators.read(etag, "never").exist


@pytest.mark.parametrize(
    ("if_range", "current", "is_current"),
    [
        (None, CURRENT, True),
        ('"a"', CURRENT, True),
        ('"b"', CURRENT, False),
        ('W/"a"', CURRENT, False),
        ('W/"a"', WEAK, False),
        ('"a", "b"', CURRENT, False),
        ("*", CURRENT, False),
        (DATE, CURRENT, True),
        (EARLIER, CURRENT, False),
        (LATER, CURRENT, False),
        (DATE, ONLY_TAG, False),
        ("never", ONLY_TAG, False),
        ("", CURRENT, False),
    ],
)
def test_if_range_when_exactly_the_current_validator_lets_the_part_be_sent(
    if_range: str | None, current: Validators, is_current: bool
) -> None:
    assert range_is_current(if_range, current) is is_current


def naive_status(
    match: bool | None, unmodified: bool | None, none_match: bool | None, modified: bool | None
) -> int | None:
    """RFC 9110 13.2.2 for GET, word by word; None: the header is missing."""
    if match is False or (match is None and unmodified is False):
        return 412
    if none_match is not None:
        return None if none_match else 304
    return 304 if modified is False else None


CHOICES = (None, True, False)


@pytest.mark.parametrize("truths", list(product(CHOICES, repeat=4)))
def test_precondition_when_all_are_combined_follows_the_steps(
    truths: tuple[bool | None, bool | None, bool | None, bool | None],
) -> None:
    match, unmodified, none_match, modified = truths
    conditions = Preconditions(
        if_match={None: None, True: '"a"', False: '"b"'}[match],
        if_unmodified_since={None: None, True: DATE, False: EARLIER}[unmodified],
        if_none_match={None: None, True: '"b"', False: '"a"'}[none_match],
        if_modified_since={None: None, True: EARLIER, False: DATE}[modified],
    )

    assert unmet_status(conditions, CURRENT) == naive_status(*truths)


@settings(derandomize=True, deadline=None)
@given(*[st.none() | st.text(alphabet='W/"ab*, \x80')] * 2, *[st.none() | st.text()] * 2)
def test_precondition_when_it_is_any_text_raises_nothing(
    match: str | None, none_match: str | None, unmodified: str | None, modified: str | None
) -> None:
    conditions = Preconditions(match, unmodified, none_match, modified)

    assert unmet_status(conditions, CURRENT) in (None, 304, 412)
