"""The tools beside the board: create a device, mint its tokens, look into them, call it, simulate it."""
