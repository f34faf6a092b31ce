"""The inside of the simulated chip, shared by the stand-ins `machine`, `network`, `time`, … and by the ROM
that starts the firmware.

Runs in the simulated board's process, on CPython and on MicroPython. The firmware sees the stand-ins and
never this package.
"""
