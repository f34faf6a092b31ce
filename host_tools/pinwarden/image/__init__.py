"""Whole devices as image files, for a factory: MicroPython with a file system that has everything in it."""
