"""Points (x, y, t) in; colours and their exact derivative along a direction out."""

from tweenfield.fields.base import Field, FieldConfig, Grid
from tweenfield.fields.motion import Motion
from tweenfield.fields.patches import Patches, PatchesConfig
from tweenfield.fields.siren import Siren, SirenConfig
from tweenfield.fields.transport import Transport, TransportConfig

__all__ = [
    "Field",
    "FieldConfig",
    "Grid",
    "Motion",
    "Patches",
    "PatchesConfig",
    "Siren",
    "SirenConfig",
    "Transport",
    "TransportConfig",
]
