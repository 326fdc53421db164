"""A field and times in, frames out, one after the other."""
