"""Recipes: what each writes, and that coming back leaves params.yaml as it was."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from ganflow.base.errors import ParameterError
from ganflow.config.document import parse
from ganflow.config.model import ModelParams
from ganflow.config.params import load
from ganflow.config.recipe import recipe, recipe_names, summary, write_recipe
from ganflow.config.train import TrainParams

PARAMS = Path(__file__).parents[2] / "params.yaml"


@pytest.fixture
def params(tmp_path: Path) -> Path:
    return Path(shutil.copy(PARAMS, tmp_path / "params.yaml"))


def test_the_committed_parameters_are_the_default_recipe() -> None:
    committed: dict[str, Any] = parse(PARAMS.read_text())
    stated = {
        f"{s}.{key}": value for s in ("model", "train") for key, value in committed[s].items()
    }
    assert stated.pop("train.start") == "none"
    assert stated == recipe("default")


@pytest.mark.parametrize("name", recipe_names())
def test_a_recipe_gives_every_key_of_both_sections(name: str) -> None:
    """Without this, what one recipe sets and the next leaves out would stay behind.

    What a training starts from is no part of how it trains.
    """
    wanted = {f"model.{key}" for key in ModelParams.model_fields}
    wanted |= {f"train.{key}" for key in TrainParams.model_fields if key != "start"}
    assert set(recipe(name)) == wanted
    assert len(summary(name)) > 20


@pytest.mark.parametrize("name", recipe_names())
def test_there_and_back_again_leaves_the_file_as_it_was(name: str, params: Path) -> None:
    before = params.read_bytes()
    write_recipe(name, params)
    assert {f"model.{k}": v for k, v in load(params).model.model_dump().items()}.items() <= dict(
        recipe(name)
    ).items()
    write_recipe("default", params)
    assert params.read_bytes() == before


@pytest.mark.parametrize("name", recipe_names())
def test_a_recipe_leaves_the_other_sections_alone(name: str, params: Path) -> None:
    before = load(params)
    write_recipe(name, params)
    after = load(params)
    for section in set(type(before).model_fields) - {"model", "train"}:
        assert getattr(after, section) == getattr(before, section)


def test_what_changed_is_told(params: Path) -> None:
    told = write_recipe("article", params)
    assert "train.batch: 64 → 256" in told
    assert not any("latent" in line for line in told), "told although it is equal"
    assert write_recipe("article", params) == []


def test_the_article_is_the_articles(params: Path) -> None:
    """The numbers that the article prints."""
    write_recipe("article", params)
    stated = load(params)
    assert stated.train.batch == 256
    assert stated.train.images == 50 * 60_000
    assert stated.train.snapshots == 50
    assert stated.model.latent == 100
    assert stated.model.conditional is False
    for adam in (stated.train.generator, stated.train.discriminator):
        assert (adam.learning_rate, adam.beta_1) == (2e-4, 0.5)
    assert stated.train.penalties.model_dump(exclude_none=True) == {}
    assert stated.train.ema_half_life == 0


def test_an_unknown_recipe_names_the_nearest(params: Path) -> None:
    before = params.read_bytes()
    with pytest.raises(ParameterError, match="did you mean `article`") as raised:
        write_recipe("artcle", params)
    assert raised.value.expected == " or ".join(recipe_names())
    assert params.read_bytes() == before


def test_no_path_is_taken_for_a_name(params: Path) -> None:
    for name in ("../params", "/etc/passwd", "default.yaml", ""):
        with pytest.raises(ParameterError, match="there is no recipe"):
            write_recipe(name, params)


def test_a_recipe_does_not_hide_a_mistake_elsewhere(params: Path) -> None:
    params.write_text(params.read_text().replace("source: mnist", "source: ../mnist"))
    before = params.read_bytes()
    with pytest.raises(ParameterError, match=r"data\.source"):
        write_recipe("article", params)
    assert params.read_bytes() == before
