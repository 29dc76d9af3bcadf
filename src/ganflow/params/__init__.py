"""params.yaml as frozen, typed models: one module a section."""
