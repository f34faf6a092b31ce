"""Measurements anyone can repeat: `make bench`. Each figure stands beside a peer's, taken in the same run."""
