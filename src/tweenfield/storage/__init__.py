"""Arrays and files in, the same out: rows on demand, files written whole or not at all."""
