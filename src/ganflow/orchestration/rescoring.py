"""Measuring the base and the candidate once more: under another evaluator or another seed."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ganflow.base.paths import RAW
from ganflow.config import params as parameters
from ganflow.config.params import Params
from ganflow.orchestration import transfer
from ganflow.orchestration.stage import reproduce
from ganflow.orchestration.workspace import workspace
from ganflow.versions.gate import Measured
from ganflow.versions.reading import measured_at

TRAINED = ("prepare", "extractor", "train")
SCORED = ("prepare", "extractor", "sample", "evaluate")


@dataclass(frozen=True)
class Trials:
    """Further trainings and measurements around one candidate, each in its own workspace."""

    project: Path
    candidate_folder: Path
    base_commit: str
    params: Params
    timeout: float | None
    on_line: Callable[[str], None]

    def candidate(self, seed: int) -> Measured:
        """The candidate trained under another seed."""
        with workspace(self.project, self._name("candidate", seed), self.base_commit) as folder:
            transfer.pull(folder, self.on_line)
            self._adopt(folder, seed)
            return self._run(folder, (*TRAINED, "sample", "evaluate"))

    def base(self, seed: int, *, train: bool) -> Measured:
        """The base, trained under `seed` or as it is, measured by the candidate's evaluator.

        Only its generator counts: the data that measures it, the extractor and the settings of
        the evaluation are the candidate's.
        """
        with workspace(self.project, self._name("base", seed), self.base_commit) as folder:
            transfer.pull(folder, self.on_line)
            if train:
                parameters.edit({"seed": seed}, folder / parameters.PARAMS_FILE)
                for stage in TRAINED:
                    reproduce(stage, folder, on_line=self.on_line, timeout=self.timeout)
            self._adopt(folder, seed)
            return self._run(folder, SCORED)

    def _name(self, side: str, seed: int) -> str:
        return f"{self.candidate_folder.name}-{side}-{seed}"

    def _adopt(self, folder: Path, seed: int) -> None:
        """Take over the candidate's parameters and raw data."""
        shutil.copyfile(self.candidate_folder / "params.yaml", folder / "params.yaml")
        parameters.edit({"seed": seed}, folder / parameters.PARAMS_FILE)
        shutil.rmtree(folder / RAW)
        shutil.copytree(self.candidate_folder / RAW, folder / RAW, symlinks=True)

    def _run(self, folder: Path, stages: tuple[str, ...]) -> Measured:
        transfer.fetch_known(folder, stages, self.on_line)
        for stage in stages:
            reproduce(stage, folder, on_line=self.on_line, timeout=self.timeout)
        return measured_at(None, folder)
