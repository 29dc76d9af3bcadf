"""Reading, checking and editing params.yaml.

A mistake anywhere in the file is one message that names the key, the value, what is allowed
and the nearest valid name; it is found before any stage starts and without TensorFlow.
"""

import difflib
import inspect
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, Field, ValidationError
from pydantic_core import ErrorDetails

from ganflow.errors import ParameterError
from ganflow.files import write_text
from ganflow.params.data import Data
from ganflow.params.evaluation import Evaluation
from ganflow.params.extractor import Extractor
from ganflow.params.gate import Gate
from ganflow.params.model import Model
from ganflow.params.report import Report
from ganflow.params.runtime import Runtime
from ganflow.params.sample import Sample
from ganflow.params.section import Section
from ganflow.params.train import Train

PARAMS_FILE = Path("params.yaml")


class Params(Section):
    """The whole of params.yaml."""

    seed: Annotated[int, Field(ge=0, lt=2**31)] = 0
    """Of everything random but the extractor."""

    runtime: Runtime = Runtime()
    data: Data = Data()
    extractor: Extractor = Extractor()
    model: Model = Model()
    train: Train = Train()
    sample: Sample = Sample()
    evaluation: Evaluation = Evaluation()
    report: Report = Report()
    gate: Gate = Gate()


def load(path: Path = PARAMS_FILE) -> Params:
    """Read and check the whole file.

    Raises:
        ParameterError: naming every key that is wrong.
    """
    return check(_parse(path), path)


def check(values: Any, path: Path = PARAMS_FILE) -> Params:
    """Check values that were read from, or are about to be written to, `path`."""
    if not isinstance(values, Mapping):
        raise ParameterError(
            f"{type(values).__name__} instead of sections",
            where=str(path),
            expected="sections: " + ", ".join(Params.model_fields),
            run="ganflow recipe default",
        )
    try:
        return Params.model_validate(values)
    except ValidationError as error:
        messages = "\n".join(dict.fromkeys(_explain(e) for e in error.errors()))
        raise ParameterError(
            messages, where=str(path), run="edit the file, then try again"
        ) from None


def sections_of(run: Callable[..., None]) -> tuple[str, ...]:
    """The sections that a stage's `run` is handed: the names of its parameters."""
    return tuple(inspect.signature(run).parameters)


def edit(changes: Mapping[str, Any], path: Path = PARAMS_FILE) -> Params:
    """Check `changes` (dotted keys to values), then write them into the file.

    Comments, order and everything else in the file stay as they were. Nothing is written
    when a value is wrong.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.comments import CommentedMap

    def flow(value: Any) -> Any:
        if not isinstance(value, Mapping):
            return value
        mapping = CommentedMap({key: flow(item) for key, item in value.items()})
        mapping.fa.set_flow_style()
        return mapping

    _parse(path)
    editor = YAML()
    editor.preserve_quotes = True
    editor.width = 4096
    document = editor.load(path.read_text())
    for key, value in changes.items():
        *sections, name = key.split(".")
        place = document
        for section in sections:
            place = place.setdefault(section, CommentedMap()) if _is_map(place) else None
        if not _is_map(place):
            raise ParameterError(
                f"{key}: `{'.'.join(sections)}` is no section",
                where=str(path),
                run="ganflow --help",
            )
        if name not in place or place[name] != value:
            place[name] = flow(value)
    params = check(document, path)

    from io import StringIO

    text = StringIO()
    editor.dump(document, text)
    write_text(path, text.getvalue())
    return params


def _is_map(value: Any) -> bool:
    return isinstance(value, Mapping)


class _Loader(yaml.SafeLoader):
    """YAML as DVC reads it: 1e-3 is a number, and a key given twice is an error."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key `{key}` is given twice", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?(\d+\.?\d*|\.\d+)[eE][-+]?\d+$"),
    list("-+.0123456789"),
)


def _parse(path: Path) -> Any:
    try:
        return yaml.load(path.read_text(), Loader=_Loader)
    except FileNotFoundError:
        raise ParameterError(
            "there is no parameter file here",
            where=str(path.resolve()),
            expected="to be started in the project's folder",
            run="cd to the folder with dvc.yaml",
        ) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ParameterError(
            f"not readable as YAML: {error}",
            where=str(path),
            run="edit the file, or git checkout params.yaml",
        ) from None


def _explain(error: ErrorDetails) -> str:
    key = _dotted(error["loc"])
    value = error["input"]
    if error["type"] == "extra_forbidden":
        names = _names_beside(error["loc"])
        near = difflib.get_close_matches(str(error["loc"][-1]), names, n=1, cutoff=0.5)
        hint = f"did you mean `{near[0]}`? " if near else ""
        return f"{key}: unknown parameter (value {value!r}); {hint}allowed here: {', '.join(names)}"
    allowed = error["msg"].removeprefix("Value error, ")
    return (
        f"{key}: {value!r} is not allowed: {allowed[0].lower()}{allowed[1:]}{_near_choice(error)}"
    )


def _dotted(location: tuple[int | str, ...]) -> str:
    """The key as the user wrote it: without the names of a union's branches."""
    parts: list[str] = []
    model: type[BaseModel] | None = Params
    for part in location:
        if model is not None and part not in model.model_fields and parts and part != location[-1]:
            continue
        if model is None and parts:
            break
        parts.append(str(part))
        model = _model_of(model, str(part)) if model else None
    return ".".join(parts)


def _model_of(model: type[BaseModel], name: str) -> type[BaseModel] | None:
    field = model.model_fields.get(name)
    if field is None:
        return None
    candidates = [field.annotation, *getattr(field.annotation, "__args__", ())]
    return next((c for c in candidates if isinstance(c, type) and issubclass(c, BaseModel)), None)


def _names_beside(location: tuple[int | str, ...]) -> list[str]:
    model: type[BaseModel] | None = Params
    for part in location[:-1]:
        model = _model_of(model, str(part)) or model if model else None
    return list(model.model_fields) if model else []


def _near_choice(error: ErrorDetails) -> str:
    choices: list[str] = re.findall(r"'([^']+)'", str(error.get("ctx", {}).get("expected", "")))
    near = difflib.get_close_matches(str(error["input"]), choices, n=1, cutoff=0.5)
    return f"; did you mean `{near[0]}`?" if near else ""
