"""Watching: which files matter, and the doorbell that rings when one of them changed.

The doorbell may be late, lost or absent without harm: the truth about freshness is the
record, swept by the gate. `filters`, `plan` and `known` are pure; only `handler` and
`watches` import watchdog, and `watcher` imports them in its own thread. Where no events
come from (`loading.mounts`, `limits`), the `patrol` looks instead.
"""
