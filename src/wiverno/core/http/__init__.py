"""HTTP's own vocabulary: paths, headers, statuses, pages.

Pure: text and bytes in, text and bytes out. Neither WSGI environs nor routes are known here.
"""
