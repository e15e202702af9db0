"""The configuration that every connector has, whatever it talks to."""

from __future__ import annotations

import re
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

_PASSWORD_IN_URL = re.compile(r"://[^/@]*:[^/@]+@")

MockVariant = Literal["flaky", "bad-quality", "slow", "dst"]


class ConnectorConfig(BaseModel):
    """Who a connector is, how patient it is, and how much it may ask for.

    Every field can be assigned at run time and is checked then too; the next call uses it.
    Times are in seconds. Subclass it for a connector of your own; unknown keys are refused.
    """

    # Inputs stay out of validation messages because one of them may be a misplaced password.
    model_config = ConfigDict(validate_assignment=True, extra="forbid", hide_input_in_errors=True)

    connector_id: str = Field(min_length=1, description="Name of this source, as calls use it")
    connector_type: str = Field(min_length=1, description="scada, erp, cems, historian, cmms, ...")

    timeout_seconds: float = Field(30, ge=1, le=300, description="One attempt")
    total_timeout_seconds: float | None = Field(
        None, gt=0, description="A whole call; None allows every retry its full time"
    )
    max_retries: int = Field(3, ge=0, le=10, description="Further attempts after the first")
    retry_multiplier: float = Field(1, ge=0)
    retry_min_wait: float = Field(2, ge=0)
    retry_max_wait: float = Field(10, ge=0)

    circuit_breaker_enabled: bool = True
    circuit_breaker_threshold: int = Field(5, ge=1, le=100, description="Failures in a row")
    circuit_breaker_timeout: float = Field(60, ge=1, le=600, description="Left alone that long")

    health_check_interval: float = Field(60, ge=10, le=3600)
    connection_pool_size: int = Field(5, ge=1, le=100, description="Attempts at the same time")
    max_requests_per_second: float | None = Field(None, gt=0)
    max_points: int | None = Field(None, ge=1, description="Values or rows in one call; None: all")

    checkpoint_path: str | None = Field(
        None,
        description="Folder for the pages of long reads of records, until they have ended; in clear "
        "text, for its owner alone",
    )
    enable_provenance: bool = True
    mock_mode: bool = Field(False, description="Answer from the simulated plant, offline")
    mock_variants: tuple[MockVariant, ...] = Field((), description="What goes wrong in the plant")

    @model_validator(mode="after")
    def _no_password_in_urls(self) -> ConnectorConfig:
        for name in type(self).model_fields:
            value = getattr(self, name, None)
            if isinstance(value, str) and _PASSWORD_IN_URL.search(value):
                raise ValueError(f"{name} must not hold a password; give username and password")
        return self

    def __setattr__(self, name: str, value: Any) -> None:
        # Pydantic checks the config as a whole only after it has assigned, and leaves it so.
        before, given = dict(self.__dict__), set(self.model_fields_set)
        try:
            super().__setattr__(name, value)
        except ValidationError:
            self.__dict__.update(before)
            # Else a refused key would count as given, and every later assignment be refused for it.
            object.__setattr__(self, "__pydantic_fields_set__", given)
            raise

    @property
    def driver_name(self) -> str:
        """Which driver serves this source; the protocol or system in a family's config."""
        return "mock" if self.mock_mode else self.connector_type

    @property
    def source_system(self) -> str:
        """The system and its address, for provenance and messages; holds no secret."""
        return self.connector_type
