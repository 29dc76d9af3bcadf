"""A trained generator for those without ganflow, one module a format."""
