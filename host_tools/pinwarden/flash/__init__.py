"""MicroPython onto a board, by the chip's own loader: the chips, their images, the writing."""
