#!/bin/sh
# Run the tests with the marker $1, and further options of pytest, and keep what came out:
# tests/results/MARKER.txt is the last run.
set -u
marker=$1
shift
mkdir -p tests/results
result=tests/results/$marker.txt
# Asked before the result itself becomes a change.
commit=$(git rev-parse --short HEAD)
git diff --quiet HEAD -- src tests || commit="$commit and uncommitted changes"
{
    echo "date: $(date -u '+%Y-%m-%d %H:%M UTC')"
    echo "commit: $commit"
    echo "machine: $(uname -sr), $(nproc) cores, $(${PYTEST%% *} --version)"
    echo "packages: $(${PYTEST%% *} -m pip list --format=freeze 2>/dev/null | tr '\n' ' ')"
    echo
} > "$result"
$PYTEST -m "$marker" "$@" -rP --tb=short -q -o faulthandler_timeout=0 > "$result.part" 2>&1
status=$?
# Paths of the machine are of no use to a reader.
sed "s|$PWD/||g" "$result.part" >> "$result"
rm "$result.part"
cat "$result"
exit $status
