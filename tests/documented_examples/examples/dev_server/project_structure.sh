uv run python dev.py
