"""Every command that README.md and docs/ show, taken from the pages themselves."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]

PROGRAMS = ("dvc", "ganflow", "git", "make", "pip", "prefect", "python", "uv")
SHELL = ("cd", "cp", "do", "done", "export", "for", "mkdir", "source")
INLINE = re.compile(rf"`((?:{'|'.join(PROGRAMS)}) [^`]+)`")
INDENTED = re.compile(rf"^ {{4}}((?:{'|'.join(PROGRAMS)}) .*)$", re.M)
FENCED = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.S | re.M)


@dataclass(frozen=True)
class Command:
    """One command and the page that shows it."""

    page: str
    words: tuple[str, ...]
    whole: bool
    """Whether it is there to be typed, and not only spoken of, as in "`dvc import-url` does"."""

    @property
    def text(self) -> str:
        return shlex.join(self.words)


def blocks(page: Path, language: str) -> list[str]:
    """The fenced blocks of one language."""
    return [body for name, body in FENCED.findall(page.read_text()) if name == language]


def commands_of(page: Path) -> Iterator[Command]:
    """Commands of `bash` blocks and indented ones, and of code in sentences that looks like one."""
    text = page.read_text()
    lines = [line for block in blocks(page, "bash") for line in block.splitlines()]
    lines += INDENTED.findall(FENCED.sub("", text))
    prose = " ".join(FENCED.sub("", text).split())
    spoken = INLINE.findall(prose)
    for line, whole in [*((line, True) for line in lines), *((line, False) for line in spoken)]:
        words: list[str] = []
        for word in [*shlex.split(line, comments=True), "&&"]:
            if word == "&&" and words:
                if words[0] not in SHELL:
                    yield Command(page.name, tuple(words), whole)
                words = []
            elif word != "&&":
                words.append(word)


COMMANDS = sorted({c for page in PAGES for c in commands_of(page)}, key=lambda c: (c.page, c.text))


def shown(program: str) -> list[Command]:
    return [command for command in COMMANDS if command.words[0] == program]
