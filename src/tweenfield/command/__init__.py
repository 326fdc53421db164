"""Command lines in; calls of the public API, results on stdout and progress on stderr out."""
