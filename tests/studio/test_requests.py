"""Every field of a request is bounded, and no request brings the studio down."""

import json

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ganflow.studio.requests import MOST_IMAGES


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        ("samples", {"count": MOST_IMAGES + 1}, "count: input should be less than"),
        ("samples", {"count": 0}, "count: input should be greater"),
        ("samples", {"classes": []}, "classes"),
        ("samples", {"seed": -1}, "seed"),
        ("samples", {"seed": 10**400}, "seed"),
        ("samples", {"format": "../../etc/passwd"}, "format"),
        ("samples", {"colour": 1}, "colour: extra inputs"),
        ("samples", [], "the body"),
        ("views", {"point": {"across": 1.5}}, "point.across"),
        ("views", {"point": {"corners": []}}, "point.corners"),
        ("walks", {"steps": 1}, "steps"),
        ("walks", {"steps": 100_000}, "steps"),
        ("walks", {"classes": [1] * 50}, "classes"),
        ("neighbours", {"count": 1000}, "count"),
    ],
)
def test_what_is_out_of_bounds_is_422_with_a_sentence(
    client: TestClient, path: str, body: object, words: str
) -> None:
    answer = client.post(f"/api/{path}", json=body)
    assert answer.status_code == 422
    assert words in answer.json()["error"]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)


fields = st.sampled_from(
    ["count", "seed", "classes", "format", "columns", "scale", "point", "steps", "label", "size"]
)


@given(
    path=st.sampled_from(["samples", "views", "planes", "walks", "neighbours"]),
    body=st.dictionaries(fields, json_values, max_size=3),
)
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_no_body_brings_it_down(client: TestClient, path: str, body: dict[str, object]) -> None:
    headers = {"content-type": "application/json"}
    answer = client.post(f"/api/{path}", content=json.dumps(body), headers=headers)
    assert answer.status_code in (200, 400, 404, 422), answer.text
    if answer.status_code != 200:
        assert answer.json()["error"]
