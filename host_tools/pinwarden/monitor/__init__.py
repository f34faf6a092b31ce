"""A board's log, followed: lines, what to know about them, and where tracebacks point."""
