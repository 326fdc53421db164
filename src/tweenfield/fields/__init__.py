"""Fields: f(x, y, t) -> RGB with an exact directional derivative."""

from tweenfield.fields.base import Field, FieldConfig, Grid
from tweenfield.fields.siren import Siren, SirenConfig
from tweenfield.fields.transport import Transport, TransportConfig

# Every field by the name that the command line and model files use.
FIELDS: dict[str, type[FieldConfig]] = {SirenConfig.name: SirenConfig, TransportConfig.name: TransportConfig}

__all__ = ["FIELDS", "Field", "FieldConfig", "Grid", "Siren", "SirenConfig", "Transport", "TransportConfig"]
