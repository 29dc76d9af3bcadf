"""Additional training and evaluation of the base and the candidate, when the gate needs them."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ganflow.base.paths import MODEL, RAW, START, state_folder
from ganflow.config import params as parameters
from ganflow.orchestration import processes, transfer
from ganflow.orchestration.stage import reproduce
from ganflow.orchestration.workspace import workspace
from ganflow.versions.gate import Measured
from ganflow.versions.reading import measured_at
from ganflow.versions.rescoring import evaluate_model, stage_command
from ganflow.versions.start import STAGES

TRAINING = ("prepare", "extractor", "train")


@dataclass(frozen=True)
class Reruns:
    """Runs the stages again for one candidate or its base, each time in a new workspace."""

    project: Path
    candidate_folder: Path
    base_commit: str
    timeout: float | None
    on_line: Callable[[str], None]

    def train_candidate(self, seed: int) -> Measured:
        """Train and evaluate the candidate's parameters and raw data with another seed."""
        with workspace(self.project, self._name("candidate", seed), self.base_commit) as folder:
            transfer.pull(folder, self.on_line)
            for file in (parameters.PARAMS_FILE, STAGES):
                shutil.copyfile(self.candidate_folder / file, folder / file)
            parameters.edit({"seed": seed}, folder / parameters.PARAMS_FILE)
            for data in (RAW, START):
                shutil.rmtree(folder / data, ignore_errors=True)
                if (self.candidate_folder / data).exists():
                    shutil.copytree(self.candidate_folder / data, folder / data, symlinks=True)
            stages = (*TRAINING, "sample", "evaluate")
            transfer.fetch_cached_outputs(folder, stages, self.on_line)
            self._reproduce(folder, stages)
            return measured_at(None, folder)

    def evaluate_base(self, seed: int, *, train: bool = False) -> Measured:
        """Evaluate the base's generator, or one trained with another seed, as the candidate's.

        The model is the base's; test data, extractor and settings are the candidate's.
        """
        with workspace(self.project, self._name("base", seed), self.base_commit) as folder:
            transfer.pull(folder, self.on_line)
            if train:
                parameters.edit({"seed": seed}, folder / parameters.PARAMS_FILE)
                self._reproduce(folder, TRAINING)
            return evaluate_model(
                folder / MODEL, self.candidate_folder, state_folder(), seed, self._run_stage
            )

    def _run_stage(self, stage: str, folder: Path) -> None:
        processes.checked(
            stage_command(stage, folder),
            cwd=folder,
            what=f"the base's model cannot be evaluated as the candidate's (stage {stage})",
            remedy="ganflow review --base REVISION",
            on_line=self.on_line,
            timeout=self.timeout,
        )

    def _name(self, model: str, seed: int) -> str:
        return f"{self.candidate_folder.name}-{model}-{seed}"

    def _reproduce(self, folder: Path, stages: tuple[str, ...]) -> None:
        for stage in stages:
            reproduce(stage, folder, on_line=self.on_line, timeout=self.timeout)
