"""What a source is configured with: connector configs, secrets, register maps, ``greenlang.toml``."""

from greenlang_data.settings.config import ConnectorConfig
from greenlang_data.settings.secret import Secret

__all__ = ["ConnectorConfig", "Secret"]
