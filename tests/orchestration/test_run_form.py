"""The form of a run: typed by the sections of params.yaml, and checked before a run exists."""

from typing import Any

import pytest
from prefect.utilities.schema_tools.validation import validate
from pydantic import TypeAdapter

from ganflow.config import params as parameters
from ganflow.config.params import Params
from ganflow.orchestration.run_form import SpaceValues, changes_in, overrides_schema
from tests.flows.conftest import ROOT, Server


def test_every_parameter_is_in_the_form_with_its_type_and_what_it_means() -> None:
    schema = overrides_schema()
    assert list(schema["properties"]) == list(Params.model_fields)
    train = schema["properties"]["train"]["properties"]
    images = train["images"]
    assert (images["type"], images["minimum"]) == ("integer", 64)
    assert images["description"].startswith("How many real images")
    assert train["schedule"]["enum"] == ["constant", "linear", "cosine", "cooldown"]
    assert schema["properties"]["model"]["properties"]["spectral_norm"]["type"] == "boolean"
    assert "$ref" not in str(schema)


def test_nothing_is_filled_in_and_nothing_has_to_be() -> None:
    schema = overrides_schema()
    for section in (schema, *schema["properties"].values()):
        assert "default" not in section
        assert "required" not in section
    assert not validate({}, schema)


@pytest.mark.parametrize(
    ("overrides", "good"),
    [
        ({"train.images": 64000}, True),
        ({"train": {"images": 64000}, "seed": 3}, True),
        ({"model": {"width": "auto"}}, True),
        ({"data": {"limit": None}}, True),
        ({"train": {"images": 5}}, False),
        ({"train": {"images": "64000"}}, False),
        ({"train": {"imges": 64000}}, False),
        ({"train": {"schedule": "sometimes"}}, False),
    ],
)
def test_the_form_takes_what_params_yaml_takes(overrides: dict[str, Any], good: bool) -> None:
    """As Prefect's server checks it."""
    assert (not validate(overrides, overrides_schema())) is good


@pytest.mark.parametrize(
    ("space", "good"),
    [
        ({"train.batch": [32, 64], "model.latent": {"low": 10, "high": 100, "step": 10}}, True),
        ({"train.batch": []}, False),
        ({"train.batch": 32}, False),
        ({"train.batch": {"low": 32}}, False),
        ({"train": {"batch": [32, 64]}}, False),
    ],
)
def test_the_form_takes_what_is_a_space(space: dict[str, Any], good: bool) -> None:
    schema = TypeAdapter(SpaceValues).json_schema()
    assert (not validate(space, schema)) is good


def test_sections_become_dotted_keys(tmp_path: Any) -> None:
    changes = changes_in(
        {
            "seed": 3,
            "train": {"images": 64000, "generator": {"beta_1": 0.5}},
            "gate": {"limits": {"fd.ratio": {"most": 3.0}}},
            "train.batch": 32,
        }
    )
    assert changes == {
        "seed": 3,
        "train.images": 64000,
        "train.generator.beta_1": 0.5,
        "gate.limits": {"fd.ratio": {"most": 3.0}},
        "train.batch": 32,
    }
    path = tmp_path / "params.yaml"
    path.write_text((ROOT / "params.yaml").read_text())
    edited = parameters.edit(changes, path)
    assert (edited.train.images, edited.train.generator.beta_1) == (64000, 0.5)


def test_the_server_has_the_form_and_refuses_a_wrong_run(server: Server, deployed: Any) -> None:
    """Before there is a run, and so before anything is fetched."""
    found = server.ask("/deployments/name/retrain/nightly")
    form = found["parameter_openapi_schema"]["properties"]["overrides"]
    assert form["properties"]["train"]["properties"]["batch"]["minimum"] == 2
    assert "changes to params.yaml" in form["description"]
    asked = ("deployment", "run", "retrain/nightly", "-p")
    said = server.prefect(*asked, 'overrides={"train": {"images": 5}}', cwd=deployed, check=False)
    assert "5 is less than the minimum of 64" in " ".join(said.split())
    runs = {"deployments": {"name": {"any_": ["nightly"]}}}
    before = len(server.ask("/flow_runs/filter", runs))
    said = server.prefect(*asked, "stage_timeout=-1", cwd=deployed, check=False)
    assert "Created flow run" not in said
    assert len(server.ask("/flow_runs/filter", runs)) == before
