"""What an endpoint does with requests beside answering them: keeps, queues or explains them."""

from __future__ import annotations

from typing import Any, Final

from hypothesis import strategies as st

import ml_constructs as ml
from tests.properties.arguments import TEXT, Argument, Drawn, flag, one_of, or_token, whole
from tests.properties.resources import ANY_TOPIC, BUCKET, KEY, OPTIONAL_BUCKET

PREFIX: Final = Argument(
    or_token(st.sampled_from(("a", "data/of/models", "x" * 200)), TEXT), ("", "/a", "a/", "x" * 600, 5)
)
_LINE: Final = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=64)
_EXPRESSION: Final = Argument(or_token(_LINE, TEXT), ("", "x" * 65, 5))
_TYPES: Final = st.lists(st.sampled_from(("text", "numerical", "categorical")), max_size=255)


def capture(d: Drawn) -> ml.DataCapture:
    """What is kept of requests and responses."""
    types = st.lists(st.sampled_from(("text/csv", "application/x-recordio", "a/b")), min_size=1, max_size=10)
    kept: dict[str, Any] = dict(d.pick("kept", ({}, {"requests": False}, {"responses": False})))
    return ml.DataCapture(
        **kept,
        **d.some(
            {
                "bucket": OPTIONAL_BUCKET,
                "prefix": PREFIX,
                "sampling_percentage": whole(0, 100),
                "csv_content_types": Argument(types, ([], ["x"], "x")),
                "json_content_types": Argument(types, ([], ["a/b"] * 11)),
                "encryption_key": KEY,
            }
        ),
    )


def queue(d: Drawn) -> ml.AsyncInference:
    """Where requests wait, and where their answers go."""
    topics = d.some({"success_topic": ANY_TOPIC, "error_topic": ANY_TOPIC})
    included = {
        argument: d.one(argument, flag())
        for argument, topic in (("response_in_success", "success_topic"), ("response_in_error", "error_topic"))
        if topics.get(topic) is not None or d.odd()
    }
    return ml.AsyncInference(
        **topics,
        **included,
        **d.some(
            {
                **dict.fromkeys(("bucket", "input_bucket"), OPTIONAL_BUCKET),
                **dict.fromkeys(("input_prefix", "output_prefix", "failure_prefix"), PREFIX),
                "max_concurrent_invocations": whole(1, 1000),
            }
        ),
    )


def explainer(d: Drawn) -> ml.ClarifyExplainer:
    """What explains answers."""
    if d.one("baseline in a bucket", st.booleans()):
        baseline = ml.ShapBaseline.from_bucket(d.one("bucket", BUCKET), "baseline.csv")
    else:
        records = Argument(st.sampled_from(("0", "0" * 4096)), ("", "0" * 4097))
        baseline = ml.ShapBaseline.inline(d.one("text", records))
    text: dict[str, Any] = {}
    if d.one("text features", st.booleans()):
        text = {"text_language": "en", "text_granularity": d.pick("granularity", ("token", "sentence", "paragraph"))}
    more = {"enable": _EXPRESSION, "samples": whole(1, 1000), "logit": flag(), "seed": whole(-5, 1000)}
    inference = _inference(d) if d.one("inference", st.booleans()) else None
    return ml.ClarifyExplainer(baseline=baseline, inference=inference, **text, **d.some(more))


def _inference(d: Drawn) -> ml.ClarifyInference:
    headers = Argument(st.lists(_LINE, min_size=1, max_size=16), ([], ["x" * 65], [""], "x"))
    types = _TYPES.map(lambda listed: [*listed, "text"])
    return ml.ClarifyInference(
        **d.some(
            {
                **dict.fromkeys(("features_attribute", "probability_attribute", "label_attribute"), _EXPRESSION),
                "content_template": one_of("$features", '{"features": $features}'),
                "max_record_count": whole(1, 2**31 - 1),
                "max_payload_mb": whole(1, 25),
                **dict.fromkeys(("probability_index", "label_index"), whole(0, 100)),
                **dict.fromkeys(("label_headers", "feature_headers"), headers),
                "feature_types": Argument(types, ([], ["numerical"], ["number"])),
            }
        )
    )
