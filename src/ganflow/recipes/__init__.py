"""Named sets of parameters that `ganflow recipe NAME` writes into params.yaml.

A recipe is a flat YAML file of dotted keys. All recipes set the same keys, so that going to
one and coming back leaves the file as it was; everything else in params.yaml (the data, the
seed, the evaluation) stays the user's.
"""
