"""The pages that answer when no view does. Plain on purpose: no template, no file, no script."""

from html import escape


def error_page(status: str, explanation: str, detail: str | None = None) -> str:
    """A whole HTML page. Every text is escaped here, so a path in it cannot become markup."""
    title = escape(status)
    detail_block = f"<pre>{escape(detail)}</pre>\n" if detail else ""
    return (
        "<!doctype html>\n"
        f'<html lang="en"><head><meta charset="utf-8"><title>{title}</title></head>\n'
        f"<body>\n<h1>{title}</h1>\n<p>{escape(explanation)}</p>\n{detail_block}</body></html>\n"
    )
