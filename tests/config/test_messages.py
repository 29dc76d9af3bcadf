"""A mistake in params.yaml is one sentence: the key, its value, what is allowed."""

import math
import re
from pathlib import Path
from typing import Any

import pytest

from ganflow.base.dotted import dotted
from ganflow.base.errors import ParameterError
from ganflow.config.document import parse
from ganflow.config.params import Params, check, describe

ROOT = Path(__file__).parents[2]
COMMITTED = (ROOT / "params.yaml").read_text()


def message(**changes: Any) -> str:
    """What is said about the committed parameters with some changed (`a__b` is the key a.b)."""
    values = parse(COMMITTED)
    for key, value in changes.items():
        *sections, name = key.split("__")
        place = values
        for section in sections:
            place = place.setdefault(section, {})
        place[name] = value
    with pytest.raises(ParameterError) as raised:
        check(values)
    return raised.value.what


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"sede": 1}, "sede: unknown parameter (its value: 1). Did you mean seed? Allowed here: "),
        ({"train__bacth": 1}, "train.bacth: unknown parameter (its value: 1). Did you mean batch?"),
        (
            {"train__penalties__r1__weigth": 3},
            "train.penalties.r1.weigth: unknown parameter (its value: 3). Did you mean weight? "
            "Allowed here: weight, ",
        ),
        ({"runtime__thread": 2}, "Did you mean threads? Allowed here: threads, precision."),
        ({"train__generator__beta_3": 0}, "train.generator.beta_3: unknown parameter"),
        ({"gate__limits": {"fd.ratio": {"mst": 3}}}, 'gate.limits."fd.ratio".mst: unknown'),
        # a key that stands in another section
        ({"train__latent": 3}, "Did you mean model.latent or train.penalties.latent?"),
        # a key of an older version
        (
            {"train__averaging": 9000},
            "It is train.ema_half_life now; `ganflow upgrade` renames it.",
        ),
        (
            {"evaluation__floor_draws": 10},
            "It is evaluation.baseline_draws now; `ganflow upgrade` renames it.",
        ),
        ({"batch": 3}, "Did you mean extractor.batch or train.batch?"),
    ],
)
def test_an_unknown_key_names_the_nearest_one(changes: dict[str, Any], said: str) -> None:
    assert said in message(**changes)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"train__batch": "64"},
            'train.batch: "64" is not allowed. Allowed: a whole number from 2 to 65536. '
            "Write 64 without quotes.",
        ),
        ({"train__images": 1e5}, "a whole number from 64 to 1000000000000. Write 100000."),
        ({"seed": True}, "seed: true is not allowed. Allowed: a whole number from 0 to 2147483647"),
        ({"seed": None}, "seed: null is not allowed."),
        ({"seed": -1}, "seed: -1 is not allowed. Allowed: a whole number from 0 to 2147483647."),
        (
            {"train__generator__learning_rate": 0.0},
            "train.generator.learning_rate: 0.0 is not allowed. "
            "Allowed: a number above 0 and at most 1.",
        ),
        ({"train__discriminator__beta_1": 1.0}, "a number of at least 0 and below 1."),
        ({"train__generator__learning_rate": math.nan}, "learning_rate: nan is not allowed."),
        ({"train__generator__learning_rate": math.inf}, "learning_rate: inf is not allowed."),
        ({"train__objective": "hing"}, "wasserstein or relativistic. Did you mean hinge?"),
        ({"data__mode": "rgb"}, 'data.mode: "rgb" is not allowed. Allowed: auto, L or RGB. Did'),
        ({"report__title": ""}, "Allowed: text of 1 to 120 characters."),
        (
            {"data__resolution": "24x40"},
            "Allowed: auto, or a whole number from 8 to 128, or a list of 2, with each entry a "
            "whole number from 8 to 128.",
        ),
        ({"data__classes": []}, "Allowed: all, or a list of 1 or more, with each entry text"),
        ({"data__resolution": [24, 129]}, "data.resolution[1]: 129 is not allowed."),
        ({"data__source": "../x"}, "Allowed: a name of letters, digits, dots, dashes, underscores"),
        (
            {"train": None},
            "train: null is not allowed. Allowed: a section with images, start, batch, ",
        ),
        ({"train": [1]}, "train: [1] is not allowed. Allowed: a section with "),
        ({"train__penalties__r1": {}}, "train.penalties.r1.weight: missing. Needed: a number"),
        ({"gate__limits": {"FD": {}}}, "gate.limits.FD: not a name that is allowed here."),
        ({"gate__compare": {"fd.value": "lowr"}}, 'gate.compare."fd.value": "lowr" is not'),
    ],
)
def test_a_wrong_value_is_named_with_what_is_allowed(changes: dict[str, Any], said: str) -> None:
    assert said in message(**changes)


@pytest.mark.parametrize("value", ["many", "2", 0, 257, 2.5, True, None, [], {"a": 1}])
def test_a_key_of_two_types_gets_one_sentence(value: Any) -> None:
    said = message(runtime__threads=value)
    assert said.count("runtime.threads") == 1
    assert len(said.splitlines()) == 1
    assert "Allowed: a whole number from 1 to 256, or auto." in said


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("maybe", 'model.conditional: "maybe" is not allowed. Allowed: true, false or auto.'),
        ("yes", "Allowed: true, false or auto. Write true."),
        ("off", "Allowed: true, false or auto. Write false."),
        ("atuo", "Did you mean auto?"),
    ],
)
def test_a_switch_with_auto(value: str, said: str) -> None:
    assert said in message(model__conditional=value)


def test_an_entry_of_a_list_is_named_itself() -> None:
    said = message(data__classes=[1, 2.5])
    assert said == (
        "data.classes[1]: 2.5 is not allowed. Allowed: text, or a whole number. If it is a name, "
        'put it in quotes, such as "1e5".'
    )


def test_two_parameters_that_exclude_each_other_are_one_message_naming_both() -> None:
    said = message(data__stacked=6, data__mode="RGB")
    assert said.startswith("data (")
    assert "stacked: 6" in said
    assert 'mode: "RGB"' in said
    assert len(said.splitlines()) == 1


def test_all_mistakes_are_told_at_once() -> None:
    said = message(seed=-1, train__batch=1, extractor__epoch=3).splitlines()
    assert [line.split(":")[0] for line in said] == ["seed", "extractor.epoch", "train.batch"]


def test_a_long_value_is_cut() -> None:
    assert len(message(seed=list(range(1000)))) < 200


def every_key(values: Any, above: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    if not isinstance(values, dict):
        return []
    return [
        path
        for name, inner in values.items()
        for path in ((*above, name), *every_key(inner, (*above, name)))
    ]


@pytest.mark.parametrize("path", every_key(Params().model_dump()), ids=".".join)
def test_every_key_says_what_is_allowed(path: tuple[str, ...]) -> None:
    """No key falls back to an empty phrase, whatever its type is."""
    said = message(**{"__".join(path): {"no such key": object}})
    assert re.search(r"(Allowed|Needed|Allowed here): \S.*\.$", said.splitlines()[0]), said
    assert "()" not in said


@pytest.mark.parametrize("path", every_key(Params().model_dump(mode="json")), ids=".".join)
def test_every_key_can_be_explained(path: tuple[str, ...]) -> None:
    told = describe(dotted(path), ROOT / "params.yaml")
    assert told.startswith(dotted(path))
    assert re.search(r"^  (allowed|inside): \S", told, re.M)


def test_what_a_section_holds_is_explained_with_its_values() -> None:
    told = describe("train", ROOT / "params.yaml")
    committed = parse(COMMITTED)["train"]
    assert f"train.images: {committed['images']}\n" in told
    assert set(re.findall(r"^train\.(\w+)", told, re.M)) == set(Params().train.model_dump())


def test_an_unknown_key_cannot_be_explained() -> None:
    for key, near in {
        "trian": "train",
        "train.bacth": "batch",
        "train.latent": "model.latent",
    }.items():
        with pytest.raises(ParameterError, match=f"Did you mean {re.escape(near)}"):
            describe(key, ROOT / "params.yaml")
