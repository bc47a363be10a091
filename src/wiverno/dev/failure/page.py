"""A failure report as an answer: HTML for browsers, JSON for programs, else plain text."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict

from wiverno.core.wsgi_types import Environ, StartResponse, WSGIApplication
from wiverno.dev.failure.excerpts import SourceLine
from wiverno.dev.failure.last_good import ChangedFile
from wiverno.dev.failure.report import ChainedError, FailureReport, Frame
from wiverno.dev.failure.text_page import render_text
from wiverno.dev.failure.words import (
    CHANGED,
    CHANGES,
    HEALING,
    NEW,
    count,
    more_changed_files,
    more_lines,
    subject,
)

_STYLE = """
:root{color-scheme:light dark;--page:#f6f7f9;--card:#fff;--ink:#1c2330;--soft:#5c6675;
--line:#dde1e8;--red:#c3283c;--red-soft:#fdeaec;--mark:#f7c6cc;--code:#fbfbfd;--accent:#2f5fd0;
--green:#1a7f3c;--green-soft:#e6f6ea}
@media (prefers-color-scheme:dark){:root{--page:#12151b;--card:#1a1f28;--ink:#e4e8ef;
--soft:#98a2b3;--line:#2c3340;--red:#ff7b8a;--red-soft:#3a1d24;--mark:#7a2b38;--code:#161a22;
--accent:#8fb0ff;--green:#5fd38a;--green-soft:#17301f}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);
font:15px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}
main{max-width:1040px;margin:0 auto;padding:0 24px 64px}
header{background:var(--card);border-top:5px solid var(--red);
border-bottom:1px solid var(--line);margin-bottom:28px}
header>div{max-width:1040px;margin:0 auto;padding:26px 24px 22px}
.kind{color:var(--red);font-weight:600;letter-spacing:.01em}
h1{font-size:25px;line-height:1.3;margin:4px 0 10px;font-weight:650;overflow-wrap:anywhere}
h2{font-size:13px;text-transform:uppercase;letter-spacing:.07em;color:var(--soft);
margin:34px 0 10px;font-weight:600}
.meta{color:var(--soft);margin:0;overflow-wrap:anywhere}
.heal{margin:14px 0 0;padding-top:14px;border-top:1px solid var(--line)}
code,pre,.place{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace}
code{font-size:13px}
.message{white-space:pre-wrap;overflow-wrap:anywhere;margin:12px 0 0;font-size:13px;
max-height:320px;overflow:auto}
.frame{background:var(--card);border:1px solid var(--line);border-radius:9px;margin:0 0 14px;
overflow:hidden}
.place{padding:9px 14px;font-size:13px;border-bottom:1px solid var(--line);
overflow-wrap:anywhere}
.place b{font-weight:650}.place span{color:var(--soft)}
.frame:not(:has(.source)) .place{border-bottom:0}
.source{background:var(--code);overflow-x:auto;margin:0;padding:8px 0;font-size:13px;
line-height:1.6;
tab-size:4}
.source>span{display:block;width:max-content;min-width:100%;padding:0 14px 0 0;white-space:pre}
.source i{display:inline-block;width:50px;padding-right:8px;text-align:right;font-style:normal;
color:var(--soft);user-select:none;-webkit-user-select:none}
.source u,.legend u{display:inline-block;width:18px;text-decoration:none;font-weight:700;
color:var(--green);user-select:none;-webkit-user-select:none}
.source .changed{background:var(--green-soft)}
.source .removed,.source .skipped{color:var(--soft);font-style:italic;user-select:none;
-webkit-user-select:none}
.source .removed u{color:var(--red)}
.legend{color:var(--soft);font-size:13px;margin:-4px 0 10px}
.place em{font-style:normal;color:var(--green);white-space:nowrap}
.source .failing{background:var(--red-soft);box-shadow:inset 4px 0 var(--red)}
.source .failing i{color:var(--red);font-weight:700}
mark{background:var(--mark);color:inherit;border-radius:3px;box-shadow:0 2px 0 var(--red)}
details{margin:14px 0}
summary{cursor:pointer;color:var(--accent);padding:4px 0}
details>.frame{margin-top:10px}
.chained{border-left:3px solid var(--line);padding-left:18px;margin-top:28px}
.chained h2{margin-top:0}
.trace{background:var(--card);border:1px solid var(--line);border-radius:9px;padding:14px 16px;
overflow:auto;font-size:13px;line-height:1.55;margin:0;max-height:560px}
.bar{display:flex;align-items:baseline;justify-content:space-between;gap:12px}
button{font:inherit;font-size:13px;color:var(--accent);background:none;border:1px solid var(--line);
border-radius:6px;padding:2px 12px;cursor:pointer}
""".strip()

# Only convenience: without a clipboard (plain http on another host) the text gets selected.
_SCRIPT = """
document.getElementById("copy").addEventListener("click",async function(){
const trace=document.getElementById("trace");
try{await navigator.clipboard.writeText(trace.textContent);this.textContent="Copied"}
catch(error){getSelection().selectAllChildren(trace)}});
""".strip()


def failure_app(
    report: FailureReport, generation: int, status: str = "500 Internal Server Error"
) -> WSGIApplication:
    """A WSGI application that answers every request with the report.

    By `Accept`: HTML, JSON or plain text. `X-Wiverno-Error` names the exception.
    """
    bodies: dict[str, bytes] = {}

    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        kind = negotiate(environ.get("HTTP_ACCEPT", ""))
        if kind not in bodies:
            bodies[kind] = render(report, generation, kind)
        body = bodies[kind]
        start_response(
            status,
            [
                ("Content-Type", content_type(kind)),
                ("Content-Length", str(len(body))),
                ("Cache-Control", "no-store"),
                ("Vary", "Accept"),
                ("X-Wiverno-Error", report.header_kind),
                ("X-Wiverno-Generation", str(generation)),
                *([("Retry-After", "1")] if status.startswith("503") else []),
            ],
        )
        return [] if environ.get("REQUEST_METHOD") == "HEAD" else [body]

    return app


def render(report: FailureReport, generation: int, kind: str) -> bytes:
    """The page as one of the media types that `negotiate` gives."""
    return _RENDERERS[kind](report, generation).encode("utf-8", "backslashreplace")


def content_type(kind: str) -> str:
    """The header's value for it."""
    return kind if kind == "application/json" else f"{kind}; charset=utf-8"


def negotiate(accept: str) -> str:
    """The media type for an `Accept` header (RFC 9110, 12.5.1); plain text when any will do."""
    best = ("text/plain", 0.0, 0)
    ranges = [_parse_range(part) for part in accept.split(",")]
    # On a tie an exact name wins over a wildcard, then HTML over JSON over text, but
    # `*/*` alone is curl and most HTTP libraries: text.
    for offer in ("text/html", "application/json", "text/plain"):
        matches = [(_specificity(name, offer), q) for name, q in ranges]
        specificity, q = max(matches, key=lambda match: match[0])
        is_better = (q, specificity) > best[1:]
        is_tied_text = (q, specificity) == best[1:] and specificity < 3 and offer == "text/plain"
        if specificity and q and (is_better or is_tied_text):
            best = (offer, q, specificity)
    return best[0]


def render_json(report: FailureReport, generation: int) -> str:
    """The page for programs: all of the report."""
    content = {
        "error": report.kind,
        "where": report.where,
        "generation": generation,
        "remedy": HEALING,
    }
    return json.dumps({**content, **asdict(report)}, indent=2) + "\n"


def render_html(report: FailureReport, generation: int) -> str:
    """The page for browsers: one file, no address that it fetches from."""
    title = _escape(report.headline)
    kind, message = _heading(report)
    what, name = subject(report)
    where = f"<code>{_escape(report.where)}</code> · " if report.where else ""
    rest = _long_message(report)
    return "".join(
        [
            '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width,initial-scale=1">',
            f"<title>{title}</title><style>{_STYLE}</style></head>\n<body>",
            f'<header><div><div class="kind">{_escape(kind)}</div>',
            f"<h1>{_escape(message)}</h1>",
            f'<p class="meta">{where}{what} <code>{_escape(name)}</code> ',
            f"· generation {generation}</p>{rest}",
            f'<p class="heal">{_escape(HEALING)}</p></div></header>\n<main>',
            _frames_html(report.frames),
            _changed_files_html(report),
            *(_chained_html(error) for error in report.chain),
            _traceback_html(report.traceback),
            "</main></body></html>\n",
        ]
    )


_RENDERERS: dict[str, Callable[[FailureReport, int], str]] = {
    "text/html": render_html,
    "application/json": render_json,
    "text/plain": render_text,
}


def _parse_range(part: str) -> tuple[str, float]:
    name, *parameters = part.lower().split(";")
    q = 1.0
    for parameter in parameters:
        key, _, value = parameter.partition("=")
        if key.strip() == "q":
            try:
                # `nan` compares with nothing; treat it as the nonsense it is.
                q = min(1.0, max(0.0, float(value))) if value.strip() != "nan" else 0.0
            except ValueError:
                q = 0.0
    return name.strip(), q


def _specificity(name: str, offer: str) -> int:
    if name == offer or (offer == "application/json" and name.endswith("+json")):
        return 3
    if name == offer.split("/")[0] + "/*":
        return 2
    return 1 if name == "*/*" else 0


def _heading(report: FailureReport) -> tuple[str, str]:
    """Kind and first line apart, for they are set in two sizes."""
    prefix = f"{report.kind}: "
    if report.headline.startswith(prefix):
        return report.kind, report.headline.removeprefix(prefix)
    return report.kind, report.headline


def _long_message(report: FailureReport) -> str:
    """What the headline, the first line, leaves out."""
    lines = report.message.strip().splitlines()
    if len(lines) < 2:
        return ""
    return f'<pre class="message">{_escape(chr(10).join(lines[1:]))}</pre>'


def _frames_html(frames: Iterable[Frame]) -> str:
    frames = list(frames)
    user = [frame for frame in frames if frame.is_user]
    library = [frame for frame in frames if not frame.is_user]
    parts = []
    if user:
        parts.append("<h2>Your code, innermost first</h2>")
        parts.append(_legend_html(user))
        parts += [_frame_html(frame) for frame in user]
    if library:
        label = "1 library frame" if len(library) == 1 else f"{len(library)} library frames"
        opened = "" if user else " open"
        parts.append(f"<details{opened}><summary>{label}</summary>")
        parts += [_frame_html(frame) for frame in library]
        parts.append("</details>")
    return "".join(parts)


def _legend_html(frames: Sequence[Frame]) -> str:
    if not any(line.is_changed for frame in frames for line in frame.source):
        return ""
    return f'<p class="legend"><u aria-hidden="true">+</u>{CHANGED}</p>'


def _changed_files_html(report: FailureReport) -> str:
    if not report.changed_files:
        return ""
    more = more_changed_files(report)
    return (
        "<h2>Changed since the last good version</h2>"
        + "".join(map(_changed_file_html, report.changed_files))
        + (f'<p class="meta">{more}</p>' if more else "")
    )


def _changed_file_html(file: ChangedFile) -> str:
    source, previous = "", None
    for line in file.source:
        if previous is not None and line.number > previous + 1:
            source += '<span class="skipped"><i>⋯</i></span>'
        previous = line.number
        source += _source_html(line)
    if file.more_lines:
        source += f'<span class="skipped"><i></i><u></u>{more_lines(file)}</span>'
    return _place_html(file.file, "", f" <em>· {CHANGES[file.change]}</em>", source)


def _frame_html(frame: Frame) -> str:
    function = f" <span>in</span> {_escape(frame.function)}" if frame.function else ""
    news = f" <em>· {NEW}</em>" if frame.is_new else ""
    source = "".join(
        _source_html(line, frame.column - 1, frame.end_column - 1) for line in frame.source
    )
    return _place_html(frame.file, f":{frame.line}", function + news, source)


def _place_html(file: str, line: str, remark: str, source: str) -> str:
    folder, slash, name = file.rpartition("/")
    return (
        f'<div class="frame"><div class="place"><span>{_escape(folder + slash)}</span>'
        f"<b>{_escape(name)}{line}</b>{remark}</div>"
        + (f'<pre class="source">{source}</pre>' if source else "")
        + "</div>"
    )


def _source_html(line: SourceLine, start: int = -1, end: int = -1) -> str:
    """One line; `start` and `end` are the failing columns, from 0, in a line that fails."""
    text = _escape(line.text)
    before, failing, after = line.text[:start], line.text[start:end], line.text[end:]
    # A statement that is the whole line is marked enough by the line's own colour.
    if line.is_failing and 0 <= start < end and (before + after).strip():
        # A position behind the end of the line, such as a missing bracket's, needs some width.
        text = f"{_escape(before)}<mark>{_escape(failing) or ' '}</mark>{_escape(after)}"
    names = [
        *(["changed"] if line.is_changed else []),
        *(["failing"] if line.is_failing else []),
    ]
    css = f' class="{" ".join(names)}"' if names else ""
    return (
        f"{_removed_html(line.removed_above)}"
        f"<span{css}><i>{line.number}</i>{_sign_html(line)}{text}</span>"
        f"{_removed_html(line.removed_below)}"
    )


def _sign_html(line: SourceLine) -> str:
    if not line.is_changed:
        return "<u></u>"
    return f'<u role="img" aria-label="changed:" title="{CHANGED}">+</u>'


def _removed_html(lines: int) -> str:
    if not lines:
        return ""
    return (
        '<span class="removed"><i></i><u role="img" aria-label="removed:" '
        f'title="{CHANGED}">&minus;</u>{count(lines, "line")} removed here</span>'
    )


def _chained_html(error: ChainedError) -> str:
    relation = "Caused by" if error.relation == "cause" else "While handling"
    return (
        f'<section class="chained"><h2>{relation}</h2>'
        f"<p><b>{_escape(error.headline)}</b></p>{_frames_html(error.frames)}</section>"
    )


def _traceback_html(traceback: str) -> str:
    if not traceback:
        return ""
    return (
        '<div class="bar"><h2>Full traceback</h2><button id="copy" type="button">Copy</button>'
        f'</div><pre class="trace" id="trace">{_escape(traceback)}</pre><script>{_SCRIPT}</script>'
    )


def _escape(text: str) -> str:
    # Here: its table of entities costs a pages process that has nothing to show 360 KB.
    import html

    return html.escape(text)
