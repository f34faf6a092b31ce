"""A version of the firmware onto a board that runs MicroPython: what to send, the sending, how it starts."""
