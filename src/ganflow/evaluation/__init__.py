"""How good generated images are: features and metrics with floors and intervals.

The metrics are functions from NumPy arrays to numbers, in float64 and without TensorFlow,
which only `classifier`, `extractor` and `fresh` import.
"""
