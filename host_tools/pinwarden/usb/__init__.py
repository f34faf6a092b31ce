"""A board at the end of a cable: its port, and MicroPython's raw REPL behind it."""
