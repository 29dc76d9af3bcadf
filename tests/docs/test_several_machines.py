"""The two terminals of docs/several-machines.md are two workers of one cluster."""

import re

from ganflow.cli import _parser
from ganflow.gan.workers import place_in
from tests.docs.commands import ROOT, blocks

PAGE = ROOT / "docs" / "several-machines.md"


def test_the_two_terminals_fit_together() -> None:
    places = []
    for block in blocks(PAGE, "bash"):
        found = re.search(r"^export TF_CONFIG='(.*)'$", block, re.M)
        assert found
        place = place_in(found[1])
        assert place is not None
        places.append(place)
        joins = [
            _parser().parse_args(line.split()[3:]).join
            for line in block.splitlines()
            if line.startswith("python -m ganflow ")
        ]
        assert joins == ([True] if place.index else [])
        assert ("dvc repro" in block) == (place.index == 0)
    assert [place.index for place in places] == [0, 1]
    assert places[0].addresses == places[1].addresses
