"""The template gets a name for everything that it asks for, or says which is missing."""

from pathlib import Path

import numpy as np
import pytest
from jinja2 import UndefinedError

from ganflow.base.files import read_array, read_json
from ganflow.base.store import open_store
from ganflow.config.report import ReportParams
from ganflow.report.compose import SECTIONS, compose
from ganflow.report.page import render
from ganflow.report.sources import Sources
from tests.report.pipeline import FakeGenerator, Shape, write_outputs


def test_a_page_is_whole_or_its_missing_part_is_named(tmp_path: Path) -> None:
    write_outputs(tmp_path, Shape())
    data = tmp_path / "data"
    sources = Sources(
        store=open_store(data / "prepared"),
        generator=FakeGenerator(Shape()),
        samples=read_array(data / "samples/images.npy"),
        labels=np.asarray(read_array(data / "samples/labels.npy")),
        metrics=read_json(data / "evaluation/metrics.json"),
        detail=read_json(data / "evaluation/detail.json"),
        training=data / "training",
        model_card={"diverged": "a loss is no longer a number, after 4,800 images"},
        extractor_card={},
        digests={},
    )
    steps: list[None] = []
    page = compose(sources, 0, {}, ReportParams(), 1.0, lambda: steps.append(None))
    assert len(steps) == SECTIONS
    assert render(page) == render(dict(page))
    assert "diverged, and its best snapshot until then was kept" in render(page)
    by_class = render(page).partition('id="classes"')[2].partition("</section>")[0]
    assert "1.00 to 9.00" in by_class
    assert [by_class.index(f">kind {index}<") for index in (3, 2, 1, 0)] == sorted(
        by_class.index(f">kind {index}<") for index in range(4)
    ), "the worst class is first"
    for name in page:
        with pytest.raises(UndefinedError, match=name):
            render({key: value for key, value in page.items() if key != name})
