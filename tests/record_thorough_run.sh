#!/bin/sh
# Run the whole counts and keep what came out: tests/results/thorough.txt is the last run.
set -u
mkdir -p tests/results
result=tests/results/thorough.txt
# Asked before the result itself becomes a change.
commit=$(git rev-parse --short HEAD)
git diff --quiet HEAD -- src tests || commit="$commit and uncommitted changes"
{
    echo "date: $(date -u '+%Y-%m-%d %H:%M UTC')"
    echo "commit: $commit"
    echo "machine: $(uname -sr), $(nproc) cores, $(${PYTEST%% *} --version)"
    echo
} > "$result"
$PYTEST -m thorough -n 2 --dist loadfile -rP --tb=short -q -o faulthandler_timeout=0 > "$result.part" 2>&1
status=$?
# Paths of the machine are of no use to a reader.
sed "s|$PWD/||g" "$result.part" >> "$result"
rm "$result.part"
cat "$result"
exit $status
