"""What `ganflow upgrade` changes in a project whose files an earlier version wrote."""

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from ganflow.base.dotted import parts_of, value_at
from ganflow.base.errors import ParameterError
from ganflow.base.files import write_bytes, write_text
from ganflow.base.paths import RAW
from ganflow.config.document import line_of, parse, with_name
from ganflow.config.messages import RENAMED
from ganflow.config.params import PARAMS_FILE, Params
from ganflow.stages import lock
from ganflow.template.files import requirement, stages_file

STAGES_FILE = Path("dvc.yaml")


def upgrade(project: Path) -> tuple[list[str], dict[str, tuple[str, str]]]:
    """Migrate a project's files, then record what is installed in ganflow.lock.

    Returns:
        what was changed in the files, and what `ganflow.stages.lock.record` found.

    Raises:
        ParameterError: params.yaml cannot be migrated; nothing was changed then.
    """
    said = [*migrate_params(project), *migrate_stages(project), *migrate_requirements(project)]
    return said, lock.record(project)


def migrate_params(project: Path) -> list[str]:
    """Rename the keys in params.yaml that have another name now; returns what was changed.

    Raises:
        ParameterError: a key stands there under both names.
    """
    path = project / PARAMS_FILE
    text, said = path.read_bytes().decode(), []
    for old, new in RENAMED.items():
        values, absent = parse(text), object()
        if value_at(values, parts_of(old), absent) is absent:
            continue
        if value_at(values, parts_of(new), absent) is not absent:
            raise ParameterError(
                f"{old} is {new} now, and both are there",
                where=f"{path}:{line_of(text, parts_of(old))}",
                expected=f"{new} alone",
                run=f"remove {old}, then ganflow upgrade",
            )
        text = with_name(text, parts_of(old), parts_of(new)[-1])
        said.append(f"{PARAMS_FILE}: {old} is {new} now")
    if said:
        write_bytes(path, text.encode())
    return said


def migrate_stages(project: Path) -> list[str]:
    """Give ganflow's stages in dvc.yaml this version's form; returns what was changed.

    Comments, stages of the user's own, and what the user's own code depends on stay. Only a
    project that installs ganflow is changed: in a clone of its repository, dvc.yaml is part of it.
    """
    path = project / STAGES_FILE
    style = YAML()
    style.indent(mapping=2, sequence=4, offset=2)
    style.width, style.preserve_quotes = 4096, True
    document = style.load(path.read_text())
    stages = document["stages"]
    if not any(name in lock.keys_of(stage) for name, stage in stages.items()):
        return []
    said: list[str] = []
    for name, new in style.load(stages_file())["stages"].items():
        if name not in stages:
            stages[name] = new
            said.append(f"{STAGES_FILE}: the stage {name} is new")
        else:
            said += [f"{STAGES_FILE}: {name}: {change}" for change in _fit(stages[name], new)]
    if said:
        changed = io.StringIO()
        style.dump(document, changed)
        write_text(path, changed.getvalue())
    return said


def migrate_requirements(project: Path) -> list[str]:
    """Name the installed version in requirements.txt, where it names one; returns the changes."""
    path = project / "requirements.txt"
    if not path.exists():
        return []
    before = path.read_text()
    after = re.sub(
        r"(?m)^(ganflow(?:\[[\w, -]*\])?) *(?:==|@).*$", lambda found: requirement(found[1]), before
    )
    if after == before:
        return []
    write_text(path, after)
    changed = set(after.splitlines()) - set(before.splitlines())
    return [f"{path.name}: {line}" for line in sorted(changed)]


def _fit(stage: Any, new: dict[str, Any]) -> Iterator[str]:
    """Change a stage's command, dependencies, parameters and outputs to those of `new`."""
    if stage["cmd"] != new["cmd"]:
        stage["cmd"] = new["cmd"]
        yield f"cmd is {new['cmd']}"
    for key, keeps in (("deps", _is_own_file), ("params", _is_section), ("outs", _never)):
        entries = stage.setdefault(key, [])
        wanted = {_name(entry): entry for entry in new[key]}
        for entry in [e for e in entries if _name(e) not in wanted and not keeps(e)]:
            entries.remove(entry)
            yield f"{key} without {_name(entry)}"
        for name, entry in wanted.items():
            at = next((i for i, e in enumerate(entries) if _name(e) == name), None)
            if at is None:
                entries.append(entry)
                yield f"{key} with {name}"
            elif name == str(lock.LOCK) and set(entries[at][name]) != set(entry[name]):
                entries[at][name] = entry[name]
                yield f"{key} with {name}: {', '.join(entry[name])}"


def _name(entry: Any) -> str:
    """The path or the section of an entry, which may have settings of its own."""
    return str(next(iter(entry))) if isinstance(entry, dict) else str(entry)


def _is_own_file(dependency: Any) -> bool:
    """Whether a dependency is none that ganflow wrote: code of one's own, or raw data."""
    path = Path(_name(dependency))
    return not path.is_relative_to(RAW.parent) or path.is_relative_to(RAW)


def _is_section(params: Any) -> bool:
    """Whether parameters are of a section of params.yaml today, or of a file of the user's own."""
    return isinstance(params, dict) or _name(params).split(".")[0] in Params.model_fields


def _never(_: Any) -> bool:
    """The outputs of ganflow's stages are ganflow's: DVC refuses one that is not written."""
    return False
