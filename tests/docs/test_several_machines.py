"""The two terminals of docs/several-machines.md are two workers of one cluster."""

import re

from ganflow.cli import _parser
from ganflow.gan.workers import parse_tf_config
from tests.docs.commands import ROOT, blocks

PAGE = ROOT / "docs" / "several-machines.md"


def test_the_two_terminals_fit_together() -> None:
    places = []
    for block in blocks(PAGE, "bash"):
        found = re.search(r"^export TF_CONFIG='(.*)'$", block, re.M)
        assert found
        config = parse_tf_config(found[1])
        assert config is not None
        places.append(config)
        joins = [
            _parser().parse_args(line.split()[3:]).join
            for line in block.splitlines()
            if line.startswith("python -m ganflow ")
        ]
        assert joins == ([True] if config.index else [])
        assert ("dvc repro" in block) == (config.index == 0)
    assert [config.index for config in places] == [0, 1]
    assert places[0].addresses == places[1].addresses
