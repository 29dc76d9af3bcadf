"""Named sets of parameters: what `ganflow recipe NAME` writes into params.yaml.

A recipe is a YAML file of the sections `model` and `train`. All recipes give every key of
both, so that going to one and coming back leaves the file as it was; everything else in
params.yaml (the data, the seed, the evaluation) stays the user's.
"""
