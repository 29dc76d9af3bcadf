"""The stages of dvc.yaml, one thin module each.

A stage module has one public function `run`, whose parameters name the sections of
params.yaml that the stage is handed; dvc.yaml lists the same names under `params`. Started
as `python -m ganflow STAGE` in the project's folder, it reads its inputs, calls the library,
and writes its outputs.
"""
