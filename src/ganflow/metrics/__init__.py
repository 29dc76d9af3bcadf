"""How good generated images are: one module a metric.

The metrics are functions from NumPy arrays to numbers, in float64 and without TensorFlow,
which only `sample_evaluation`, `fresh_classifiers` and `inception` import.
"""
