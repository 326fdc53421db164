"""The field with the constraint built in: what it mixes, how it mixes, and the field itself."""

from tweenfield.fields.transport.field import Transport, TransportConfig

__all__ = ["Transport", "TransportConfig"]
