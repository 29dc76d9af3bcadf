"""params.yaml: one module of typed parameters a section, how the file is read, and recipes."""
