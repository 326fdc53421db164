"""Arrays and files in, the same out when asked for: on demand, written whole or not at all."""
