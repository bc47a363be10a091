"""An error page for browsers: one document, no script, nothing that it fetches. Pure.

Every text that goes into it passes `_escape`.
"""

from collections.abc import Iterable
from html import escape as _escape

from wiverno.core.failures import Failure, Frame, RaisedError, SourceLine
from wiverno.core.http.error_content import (
    MAX_ROUTES_SHOWN,
    DebugDetails,
    ErrorContent,
    ListedRoute,
    closest_routes,
)

_STYLE = """
:root{color-scheme:light dark;--page:#f6f7f9;--card:#fff;--ink:#1c2330;--soft:#5c6675;
--line:#dde1e8;--red:#c3283c;--red-soft:#fdeaec;--mark:#f7c6cc;--code:#fbfbfd;--accent:#2f5fd0}
@media (prefers-color-scheme:dark){:root{--page:#12151b;--card:#1a1f28;--ink:#e4e8ef;
--soft:#98a2b3;--line:#2c3340;--red:#ff7b8a;--red-soft:#3a1d24;--mark:#7a2b38;--code:#161a22;
--accent:#8fb0ff}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);overflow-wrap:anywhere;
font:16px/1.6 system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}
code,pre,.place{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;
font-size:13px}
h1{line-height:1.25;font-weight:650;margin:0}
.plain{display:grid;place-content:center;min-height:100vh;padding:24px;text-align:center}
.plain>*{max-width:34rem;margin-inline:auto}
.plain .code{font-size:clamp(72px,20vw,128px);line-height:1;font-weight:700;letter-spacing:-.04em;
color:var(--accent);margin:0 auto 12px}
.plain h1{font-size:26px}
.plain p{color:var(--soft);margin:10px auto 0;white-space:pre-line}
.wide,header>div{max-width:1040px;margin:0 auto;padding:0 24px}
.wide{padding-bottom:56px}
header{background:var(--card);border-top:5px solid var(--accent);
border-bottom:1px solid var(--line);margin-bottom:28px}
header>div{padding-block:26px 22px}
header.failed{border-top-color:var(--red)}
.kind{color:var(--accent);font-weight:600}
.failed .kind{color:var(--red)}
header h1{font-size:25px;margin:4px 0 10px}
.meta,footer{color:var(--soft);margin:0;font-size:15px}
.message{white-space:pre-wrap;margin:0 0 12px;max-height:320px;overflow:auto}
h2{font-size:13px;text-transform:uppercase;letter-spacing:.07em;color:var(--soft);
margin:32px 0 10px;font-weight:600}
.frame,.trace,.routes{background:var(--card);border:1px solid var(--line);border-radius:9px;
margin:0 0 14px;overflow:hidden}
.place{padding:9px 14px}
.place span{color:var(--soft)}
.source{background:var(--code);border-top:1px solid var(--line);overflow-x:auto;margin:0;
padding:8px 0;line-height:1.6;tab-size:4}
.source>span{display:block;width:max-content;min-width:100%;padding-right:14px;white-space:pre}
.source i{display:inline-block;width:58px;padding-right:16px;text-align:right;font-style:normal;
color:var(--soft);user-select:none;-webkit-user-select:none}
.source .failing{background:var(--red-soft);box-shadow:inset 4px 0 var(--red)}
.failing i{color:var(--red);font-weight:700}
mark{background:var(--mark);color:inherit;border-radius:3px;box-shadow:0 2px 0 var(--red)}
details{margin:14px 0}
summary{cursor:pointer;color:var(--accent);padding:4px 0;margin-bottom:6px}
.chained{border-left:3px solid var(--line);padding-left:18px;margin-top:28px}
.chained h2{margin-top:0}
.chained p{white-space:pre-wrap;margin:0 0 12px}
.trace{padding:14px 16px;overflow:auto;line-height:1.55;max-height:560px;overflow-wrap:normal}
.routes{list-style:none;padding:0}
.routes li{display:flex;flex-wrap:wrap;gap:2px 16px;align-items:baseline;padding:8px 14px;
border-top:1px solid var(--line)}
.routes li:first-child{border-top:0}
.routes b{font-size:12px;font-weight:600;color:var(--accent);width:150px}
.routes code{flex:1;min-width:180px}
.routes span{color:var(--soft);font-size:13px}
footer{border-top:1px solid var(--line);margin-top:40px;padding-top:14px;font-size:13px}
""".strip()


def render_html(content: ErrorContent) -> str:
    """The whole document."""
    body = _debug_body(content, content.debug) if content.debug else _plain_body(content)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width,initial-scale=1">\n'
        f"<title>{_escape(_title(content))}</title>\n<style>{_STYLE}</style></head>\n"
        f"<body>{body}</body></html>\n"
    )


def _title(content: ErrorContent) -> str:
    if content.debug and content.debug.failure:
        error = content.debug.failure.errors[0]
        return f"{error.kind}: {_first_line(error.message)}"
    return f"{content.status_code} {content.title}"


def _plain_body(content: ErrorContent) -> str:
    return (
        f'<main class="plain"><p class="code" aria-hidden="true">{content.status_code}</p>\n'
        f"<h1>{_escape(content.title)}</h1>\n<p>{_escape(content.message)}</p>\n"
        f"{_allowed_html(content)}</main>"
    )


def _debug_body(content: ErrorContent, debug: DebugDetails) -> str:
    status = f"{content.status_code} {content.title}"
    request = f"<code>{_escape(debug.method)} {_escape(debug.path)}</code>"
    if debug.failure:
        header = _failure_header(debug.failure, f"{_escape(status)} · {request}")
        details = _failure_html(debug.failure)
    else:
        header = (
            f'<header><div><div class="kind">{_escape(status)}</div>\n'
            f'<h1>{_escape(content.message)}</h1>\n<p class="meta">{request}</p>'
            f"{_allowed_html(content)}</div></header>"
        )
        details = _routes_html(debug)
    return (
        f'{header}\n<main class="wide">{details}\n'
        "<footer>This is shown because debug mode is on. <code>Wiverno(debug_mode=False)</code> "
        "turns it off: do that wherever strangers can see the application.</footer></main>"
    )


def _allowed_html(content: ErrorContent) -> str:
    if not content.allowed:
        return ""
    return f'<p class="meta">Allowed: {_escape(", ".join(content.allowed))}</p>'


def _routes_html(debug: DebugDetails) -> str:
    if not debug.routes:
        return ""
    routes = closest_routes(debug.path, debug.routes)
    left_out = len(routes) - MAX_ROUTES_SHOWN
    more = f'<p class="meta">and {left_out} more</p>' if left_out > 0 else ""
    items = "\n".join(map(_route_html, routes[:MAX_ROUTES_SHOWN]))
    return f'<h2>Routes, closest first</h2>\n<ul class="routes">{items}</ul>{more}'


def _route_html(route: ListedRoute) -> str:
    methods = ", ".join(route.methods) or "any method"
    return (
        f"<li><b>{_escape(methods)}</b><code>{_escape(route.path)}</code>"
        f"<span>{_escape(route.view)}</span></li>"
    )


def _failure_header(failure: Failure, meta: str) -> str:
    error = failure.errors[0]
    headline = _first_line(error.message)
    rest = error.message.strip().removeprefix(headline).strip("\n")
    return (
        f'<header class="failed"><div><div class="kind">{_escape(error.kind)}</div>\n'
        f"<h1>{_escape(headline or error.kind)}</h1>\n"
        + (f'<pre class="message">{_escape(rest)}</pre>\n' if rest else "")
        + f'<p class="meta">{meta}</p></div></header>'
    )


def _failure_html(failure: Failure) -> str:
    first, *others = failure.errors
    return (
        _frames_html(first.frames)
        + "".join(map(_chained_html, others))
        + "\n<details><summary>Full traceback</summary>"
        f'<pre class="trace">{_escape(failure.traceback)}</pre></details>'
    )


def _chained_html(error: RaisedError) -> str:
    relation = "Caused by" if error.relation == "cause" else "While handling"
    return (
        f'\n<section class="chained"><h2>{relation}</h2>'
        f"<p><b>{_escape(error.kind)}</b>: {_escape(error.message)}</p>"
        f"{_frames_html(error.frames)}</section>"
    )


def _frames_html(frames: Iterable[Frame]) -> str:
    frames = list(frames)
    user = [frame for frame in frames if frame.is_user]
    library = [frame for frame in frames if not frame.is_user]
    html = ""
    if user:
        html += "\n<h2>Your code, innermost first</h2>" + "".join(map(_frame_html, user))
    if library:
        label = "1 library frame" if len(library) == 1 else f"{len(library)} library frames"
        # Without a frame of the user's, these are all there is to see.
        state = "" if user else " open"
        inside = "".join(map(_frame_html, library))
        html += f"\n<details{state}><summary>{label}</summary>{inside}</details>"
    return html


def _frame_html(frame: Frame) -> str:
    folder, slash, name = frame.file.rpartition("/")
    function = f" <span>in</span> {_escape(frame.function)}" if frame.function else ""
    source = "".join(map(_source_html, frame.source))
    return (
        f'\n<div class="frame"><div class="place"><span>{_escape(folder + slash)}</span>'
        f"<b>{_escape(name)}:{frame.line}</b>{function}</div>"
        + (f'<pre class="source">{source}</pre>' if source else "")
        + "</div>"
    )


def _source_html(line: SourceLine) -> str:
    if not line.is_failing:
        return f"<span><i>{line.number}</i>{_escape(line.text)}</span>"
    return f'<span class="failing"><i>{line.number}</i>{_marked_html(line)}</span>'


def _marked_html(line: SourceLine) -> str:
    before, after = line.text[: line.start], line.text[line.end :]
    # A statement that is the whole line is marked enough by the colour of the line.
    if line.start >= line.end or not (before + after).strip():
        return _escape(line.text)
    # A position behind the end, such as that of a missing bracket, needs some width.
    failing = line.text[line.start : line.end] or " "
    return f"{_escape(before)}<mark>{_escape(failing)}</mark>{_escape(after)}"


def _first_line(text: str) -> str:
    return text.strip().partition("\n")[0].rstrip()
