"""The folders that the stages read and write, relative to the project's folder."""

from pathlib import Path

RAW = Path("data/raw")
PREPARED = Path("data/prepared")
EXTRACTOR = Path("data/extractor")
MODEL = Path("data/model")
TRAINING = Path("data/training")
SAMPLES = Path("data/samples")
EVALUATION = Path("data/evaluation")
REPORT = Path("data/report")
