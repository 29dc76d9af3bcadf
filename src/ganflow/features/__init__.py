"""The classifiers whose features measure every model, and what is computed on features."""
