"""Generators and discriminators, one module an architecture."""
