"""Watching: which files matter, and the doorbell that rings when one of them changed.

The doorbell may be late, lost or absent without harm: the truth about freshness is the
record, swept by the gate. `filters` and `plan` are pure; only `handler` and `watches`
import watchdog, and `watcher` imports them in its own thread.
"""
