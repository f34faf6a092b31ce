"""Pinwarden's firmware: an ESP32 whose pins obey only signed tokens."""

VERSION = "0.1.0"
