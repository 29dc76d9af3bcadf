"""Readers of raw data, one module a format."""
