"""Which file is named as the one that restarts the application, without a clock."""

from wiverno.dev.decisions.self_restarters import SelfRestarters


def began(restarters: SelfRestarters, *times: float, path: str = "/a") -> list[list[str]]:
    return [restarters.build_began(now, [path]) for now in times]


def test_fifth_build_within_ten_seconds_names_the_path_once() -> None:
    named = began(SelfRestarters(), 0, 2, 4, 6, 10, 10.5, 11)

    assert named == [[], [], [], [], ["/a"], [], []]


def test_five_builds_in_more_than_ten_seconds_name_nothing() -> None:
    assert not any(began(SelfRestarters(), 0, 2, 4, 6, 10.1))


def test_builds_of_other_paths_do_not_count() -> None:
    restarters = SelfRestarters()
    for now in (0, 1, 2, 3):
        restarters.build_began(now, ["/a", f"/other{now}"])

    assert restarters.build_began(4, ["/b"]) == []
    assert restarters.build_began(5, ["/b", "/a"]) == ["/a"]


def test_named_path_is_named_again_only_after_a_quiet_minute() -> None:
    restarters = SelfRestarters()
    began(restarters, 0, 1, 2, 3, 4)

    assert not any(began(restarters, *range(60, 70)))
    assert began(restarters, 129, 130, 131, 132, 133) == [[], [], [], [], ["/a"]]


def test_quiet_paths_are_forgotten() -> None:
    restarters = SelfRestarters()
    began(restarters, 0, 1, 2, 3)

    assert not any(began(restarters, 63, 64, 65, 66))
    assert began(restarters, 67) == [["/a"]]
