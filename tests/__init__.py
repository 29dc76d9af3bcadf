"""The tests. This file keeps them importable beside other packages of the name `tests`."""
