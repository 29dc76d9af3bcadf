"""Reading, checking and editing params.yaml.

A mistake anywhere in the file is one message that names the key, the value, what is allowed
and the nearest valid name; it is found before any stage starts and without TensorFlow.
"""

import inspect
import re
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field, ValidationError, model_validator
from ruamel.yaml.constructor import DuplicateKeyError
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from ganflow.base.dotted import parts_of, value_at
from ganflow.base.errors import ParameterError
from ganflow.base.files import write_bytes
from ganflow.base.runtime import RuntimeParams
from ganflow.base.section import Section
from ganflow.config.data import DataParams
from ganflow.config.document import InPlaceError, line_of, parse, with_value
from ganflow.config.evaluation import EvaluationParams
from ganflow.config.extractor import ExtractorParams
from ganflow.config.gate import GateParams
from ganflow.config.messages import explanation, mistakes
from ganflow.config.model import ModelParams
from ganflow.config.report import ReportParams
from ganflow.config.sample import SampleParams
from ganflow.config.schema import SchemaNode
from ganflow.config.train import TrainParams, own_functions

PARAMS_FILE = Path("params.yaml")

FULL_PROFILE = 50_000
"""Samples that `evaluation.profile: full` judges."""


class Params(Section):
    """The whole of params.yaml."""

    seed: Annotated[int, Field(ge=0, lt=2**31)] = 0
    """Of everything random but the extractor."""

    runtime: RuntimeParams = RuntimeParams()
    data: DataParams = DataParams()
    extractor: ExtractorParams = ExtractorParams()
    model: ModelParams = ModelParams()
    train: TrainParams = TrainParams()
    sample: SampleParams = SampleParams()
    evaluation: EvaluationParams = EvaluationParams()
    report: ReportParams = ReportParams()
    gate: GateParams = GateParams()

    @model_validator(mode="after")
    def _agree(self) -> Self:
        """What would otherwise be found by a later stage, when others have run."""
        train, samples = self.train, self.sample.images
        exclusions = (
            (
                self.evaluation.profile == "full" and samples < FULL_PROFILE,
                f"evaluation.profile: full judges {FULL_PROFILE} samples, and sample.images is "
                f"{samples}. Set sample.images to {FULL_PROFILE} or more, or "
                "evaluation.profile to quick.",
            ),
            (
                train.images < train.batch,
                f"train.images: {train.images} is less than one batch, and train.batch is "
                f"{train.batch}. Set train.images to {train.batch} or more, or "
                "train.batch to less.",
            ),
            (
                train.penalties.latent is not None and not self.model.mapping,
                "train.penalties.latent: a constant while model.mapping is 0, as the latent is "
                "then the draw itself. Set model.mapping to 1 or more, or leave this penalty out.",
            ),
        )
        wrong = [sentence for applies, sentence in exclusions if applies]
        if wrong:
            raise ValueError("\n".join(wrong))
        return self


def load(path: Path = PARAMS_FILE) -> Params:
    """Read and check the whole file.

    Raises:
        ParameterError: naming every key that is wrong, and its line.
    """
    text = _read(path)
    return check(_values(text, path), path, text)


def check(values: Any, path: Path = PARAMS_FILE, text: str = "") -> Params:
    """Check values that were read from, or are about to be written to, `path`.

    Args:
        text: the document they come from, for the line numbers of mistakes.
    """
    if not isinstance(values, Mapping):
        raise ParameterError(
            "no sections" if values is None else f"a {type(values).__name__} instead of sections",
            where=str(path),
            expected="sections: " + ", ".join(Params.model_fields),
            run="git checkout params.yaml",
        )
    try:
        return Params.model_validate(values)
    except ValidationError as error:
        found = mistakes(error, values, _document())
        raise ParameterError(
            "\n".join(found.values()),
            where=_place(path, *(line_of(text, wrong) for wrong in found)),
            run=f"edit {path.name}, then ganflow params",
        ) from None


def describe(key: str = "", path: Path = PARAMS_FILE) -> str:
    """What a parameter or a section is, what is allowed there, and what it is now.

    Args:
        key: dotted, as in `train.generator`; empty for all sections.

    Raises:
        ParameterError: if there is no such key, naming the nearest; or as `load` does.
    """
    values = load(path).model_dump(mode="json")
    return explanation(parts_of(key), values, _document())


def sections_of(run: Callable[..., None]) -> tuple[str, ...]:
    """The sections that a stage's `run` is handed: the names of its positional parameters."""
    parameters = inspect.signature(run).parameters.values()
    return tuple(one.name for one in parameters if one.kind is not one.KEYWORD_ONLY)


def edit(changes: Mapping[str, Any], path: Path = PARAMS_FILE) -> Params:
    """Check `changes` (dotted keys to values), then write them into the file.

    Every character that is not part of a changed value stays as it was. Nothing is written
    when a value is wrong, or when all of them stand there already. Overrides of runs come here, so
    no function of the project's own code can be set, which would let a run choose code.

    Raises:
        ParameterError: a key or value that is wrong, in `changes` or in the file.
    """
    before = text = _read(path)
    values = _values(text, path)
    for key, value in changes.items():
        parts = parts_of(key)
        if _same(value_at(values, parts, absent=_same), value):
            continue
        try:
            text = with_value(text, parts, value)
        except InPlaceError:
            raise ParameterError(
                f"{key}: cannot be set to {value!r} without rewriting more of the file",
                where=_place(path, line_of(text, parts) or 1),
                expected="a plain `key: value` there, in place of an alias or the like",
                run=f"edit {path.name}, then ganflow params",
            ) from None
    params = check(_values(text, path), path, text)
    if text != before:
        _check_no_code(values, params)
        write_bytes(path, text.encode())
    return params


def _check_no_code(before: Any, params: Params) -> None:
    for key, name in own_functions(params.model, params.train).items():
        if value_at(before, parts_of(key)) != name:
            raise ParameterError(
                f"{key}: {name} names code, and overrides cannot choose which code is run",
                where="the overrides",
                expected="a commit that changes params.yaml, dvc.yaml and the code",
                run=f"edit {key} in {PARAMS_FILE}, as docs/own-networks.md says",
            )


@cache
def _document() -> SchemaNode:
    schema = Params.model_json_schema()
    return SchemaNode(schema, schema)


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode()
    except (FileNotFoundError, NotADirectoryError):
        raise ParameterError(
            "there is no parameter file here",
            where=str(path.resolve()),
            expected="to be started in the project's folder",
            run="cd to the folder with dvc.yaml, or git checkout params.yaml",
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ParameterError(
            f"not readable: {error}",
            where=str(path),
            expected="a text file in UTF-8",
            run="git checkout params.yaml",
        ) from None


def _values(text: str, path: Path) -> Any:
    try:
        return parse(text)
    except (YAMLError, ValueError) as error:  # ValueError: a date such as 2024-13-45
        mark = getattr(error, "problem_mark", None)
        problem = (error.problem if isinstance(error, MarkedYAMLError) else None) or str(error)
        twice = re.match(r'found duplicate key "([^"]*)"', problem)
        if isinstance(error, DuplicateKeyError) and twice:
            problem = f"the key `{twice[1]}` is given twice"
        else:
            problem = f"not readable as YAML: {problem}"
        raise ParameterError(
            problem,
            where=_place(path, mark.line + 1 if mark else None),
            run=f"edit {path.name}, then ganflow params",
        ) from None


def _place(path: Path, *lines: int | None) -> str:
    *others, last = [str(line) for line in sorted(filter(None, set(lines)))] or [""]
    if others:
        return f"{path}, lines {', '.join(others)} and {last}"
    return f"{path}, line {last}" if last else str(path)


def _same(a: Any, b: Any) -> bool:
    return bool(a == b) and isinstance(a, bool) == isinstance(b, bool)
