"""A small certificate authority of one's own, for boards that speak HTTPS."""
