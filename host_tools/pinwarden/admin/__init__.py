"""A board's keys and revocations, changed by HTTP or USB; firmware/admin.py is the other side."""
