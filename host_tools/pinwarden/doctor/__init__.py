"""`pinwarden doctor`: what is asked about a device and its board, and what is made of the answers."""
