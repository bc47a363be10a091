from hypothesis import given
from hypothesis import strategies as st

from wiverno.dev.watching.plan import PlannedWatch, WalkedDirectory, plan_watches


def test_plan_watches_when_nothing_is_pruned_is_one_recursive_watch() -> None:
    tree = [WalkedDirectory("/p", -1), WalkedDirectory("/p/a", 0), WalkedDirectory("/p/a/b", 1)]
    assert plan_watches(tree) == [PlannedWatch("/p", is_recursive=True)]


def test_plan_watches_when_pruned_below_cuts_only_the_way_to_it() -> None:
    tree = [
        WalkedDirectory("/p", -1),
        WalkedDirectory("/p/api", 0),
        WalkedDirectory("/p/api/v1", 1),
        WalkedDirectory("/p/web", 0, pruned=1, heavy=1),
        WalkedDirectory("/p/web/src", 3),
        WalkedDirectory("/p/web/src/deep", 4),
    ]
    assert plan_watches(tree) == [
        PlannedWatch("/p", is_recursive=False),
        PlannedWatch("/p/api", is_recursive=True),
        PlannedWatch("/p/web", is_recursive=False),
        PlannedWatch("/p/web/src", is_recursive=True),
    ]


def test_plan_watches_when_too_many_keeps_out_the_heavy_ones_first() -> None:
    tree = [WalkedDirectory("/p", -1)]
    for number in range(50):
        tree.append(WalkedDirectory(f"/p/{number}", 0, pruned=1, heavy=int(number == 49)))
        tree.append(WalkedDirectory(f"/p/{number}/src", len(tree) - 1))
    watches = plan_watches(tree, max_watches=52)
    assert len(watches) <= 52
    assert PlannedWatch("/p/49", is_recursive=False) in watches
    assert PlannedWatch("/p/1", is_recursive=True) in watches


@st.composite
def trees(draw: st.DrawFn) -> list[WalkedDirectory]:
    tree = [WalkedDirectory("/0", -1, draw(st.integers(0, 1)))]
    for index in range(1, draw(st.integers(1, 40))):
        parent = draw(st.integers(0, index - 1))
        path = f"{tree[parent].path}/{index}"
        tree.append(WalkedDirectory(path, parent, draw(st.integers(0, 1))))
    return tree


@given(trees(), st.integers(1, 60))
def test_plan_watches_covers_every_directory_exactly_once(
    tree: list[WalkedDirectory], max_watches: int
) -> None:
    watches = plan_watches(tree, max_watches)
    assert len(watches) <= max_watches
    for directory in tree:
        covering = [
            watch
            for watch in watches
            if watch.path == directory.path
            or (watch.is_recursive and directory.path.startswith(watch.path + "/"))
        ]
        assert len(covering) == 1
        if directory.pruned and max_watches == 60:
            assert not covering[0].is_recursive
