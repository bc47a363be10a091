"""What settings.json has to hold."""

from pathlib import Path

from pydantic import BaseModel


class Settings(BaseModel):
    setting: str


settings = Settings.model_validate_json(Path("settings.json").read_text())
