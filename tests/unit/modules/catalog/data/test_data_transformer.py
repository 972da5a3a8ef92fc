import pytest
from pydantic import ValidationError

from apps.engine.outcome import StepFailed
from apps.modules.catalog.data.data_transformer import DataTransformer
from tests.unit.modules.making import make

pytestmark = pytest.mark.spec("SPINE-B4", "D12", "data.transformer")


def one(kind, config):
    return make(DataTransformer, {"pipelines": {"only": [{"type": kind, "config": config}]}})


@pytest.mark.parametrize(
    ("kind", "config", "before", "expected"),
    [
        ("extract", {"path": "a.b"}, {"a": {"b": 1}}, 1),
        ("extract", {"path": "a.1.x"}, {"a": [0, {"x": "y"}]}, "y"),
        ("map", {"mappings": {"a": "b", "c": "d"}}, {"a": 1, "k": 2}, {"k": 2, "b": 1}),
        ("map", {"mappings": {"a": "b", "b": "a"}}, {"a": 1, "b": 2}, {"b": 1, "a": 2}),
        ("filter", {"fields": ["a", "z"]}, {"a": 1, "b": 2}, {"a": 1}),
        ("convert", {"from": "json", "to": "string"}, {"a": [1]}, '{"a":[1]}'),
        ("convert", {"from": "string", "to": "json"}, '{"a": 1}', {"a": 1}),
        ("convert", {"from": "json", "to": "json"}, {"a": (1, 2)}, {"a": [1, 2]}),
    ],
)
def test_each_operation_reshapes(kind, config, before, expected, unit):
    assert one(kind, config).run(before, unit.context()) == expected


@pytest.mark.parametrize(
    ("kind", "config", "before", "word"),
    [
        ("extract", {"path": "a.z"}, {"a": {}}, "'z'"),
        ("extract", {"path": "a.9"}, {"a": [1]}, "'9'"),
        ("extract", {"path": "a.x"}, {"a": [1]}, "'x'"),
        ("extract", {"path": "a.²"}, {"a": [1, 2, 3]}, "'²'"),
        ("extract", {"path": "a.-1"}, {"a": [1, 2, 3]}, "'-1'"),
        ("extract", {"path": "a." + "9" * 5000}, {"a": [1]}, "position"),
        ("extract", {"path": "a.b"}, {"a": 1}, "int"),
        ("map", {"mappings": {"a": "b"}}, [1], "object"),
        ("filter", {"fields": ["a"]}, "x", "object"),
        ("convert", {"from": "string", "to": "json"}, "{", "JSON"),
        ("convert", {"from": "string", "to": "json"}, 5, "text"),
        ("convert", {"from": "json", "to": "string"}, {"a": object()}, "JSON"),
    ],
)
@pytest.mark.shows("data.transformer", "failure")
def test_input_that_does_not_fit_names_the_operation(kind, config, before, word, unit):
    with pytest.raises(StepFailed) as failure:
        one(kind, config).run(before, unit.context())
    assert failure.value.data == {"operation": 0, "type": kind}
    assert word in failure.value.message
    assert (failure.value.code, failure.value.status) == ("transform.failed", 422)


@pytest.mark.parametrize(
    "operation",
    [
        {"type": "extract", "config": {}},
        {"type": "map", "config": {"mappings": {}}},
        {"type": "filter", "config": {"fields": []}},
        {"type": "convert", "config": {"from": "json", "to": "xml"}},
        {"type": "convert", "config": {"from": "string", "to": "string"}},
        {"type": "convert", "config": {"to": "json"}},
        {"type": "shrink", "config": {}},
    ],
)
def test_an_operation_that_cannot_be_is_refused(operation):
    with pytest.raises(ValidationError):
        make(DataTransformer, {"pipelines": {"only": [operation]}})


def test_operations_feed_one_another_and_strip_what_is_not_wanted(unit):
    operations = [
        {"type": "extract", "config": {"path": "order"}},
        {"type": "map", "config": {"mappings": {"qty": "quantity"}}},
        {"type": "filter", "config": {"fields": ["quantity"]}},
    ]
    transformer = make(DataTransformer, {"pipelines": [{"name": "slim", "operations": operations}]})
    assert transformer.run({"order": {"qty": 2, "card": "4111"}}, unit.context()) == {"quantity": 2}


def test_the_named_pipeline_runs_when_there_are_several(unit):
    pipelines = {
        "a": [{"type": "extract", "config": {"path": "a"}}],
        "b": [{"type": "extract", "config": {"path": "b"}}],
    }
    chosen = make(DataTransformer, {"pipelines": pipelines, "pipeline": "b"})
    assert chosen.run({"a": 1, "b": 2}, unit.context()) == 2
    assert chosen.problems() == []
    unknown = make(DataTransformer, {"pipelines": pipelines, "pipeline": "c"})
    assert unknown.problems()[0][:2] == ("pipeline", "reference.unknown")


def test_of_several_pipelines_the_one_called_default_runs_else_none_and_that_is_told(unit):
    take = {name: [{"type": "extract", "config": {"path": name}}] for name in ("default", "b", "c")}
    chosen = make(DataTransformer, {"pipelines": take})
    assert (chosen.run({"default": 1, "b": 2}, unit.context()), chosen.problems()) == (1, [])
    unchosen = make(DataTransformer, {"pipelines": {name: take[name] for name in ("b", "c")}})
    assert unchosen.run({"b": 2}, unit.context()) == {"b": 2}
    assert unchosen.problems()[0][:2] == ("pipelines", "key.ignored")


def test_a_pipeline_may_stand_where_its_name_would(unit):
    transformer = make(DataTransformer, {"pipeline": [{"type": "filter", "config": {"fields": ["a"]}}]})
    assert transformer.run({"a": 1, "b": 2}, unit.context()) == {"a": 1}
    assert transformer.problems() == []


@pytest.mark.parametrize("config", [{}, {"pipeline": "express-fulfillment"}])
def test_without_pipelines_data_passes_through(config, unit):
    transformer = make(DataTransformer, config)
    assert transformer.run({"a": 1}, unit.context()) == {"a": 1}
    assert transformer.problems() == []


def test_pipelines_that_are_neither_map_nor_list_are_refused():
    with pytest.raises(ValidationError):
        make(DataTransformer, {"pipelines": "slim"})
