"""The simulated DynamoDB answers as moto does, and understands all that it is asked, or stops."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from tests.simulation.clients import Call
from tests.simulation.dynamodb import SimulatedDynamoDB
from tests.simulation.kernel import Kernel, SimulationError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

Request = tuple[str, dict[str, Any]]
TABLE = "state"


class _Luck(SimpleNamespace):
    """Whole pages and whole batches, as moto gives them."""

    def chance(self, _: float) -> bool:
        return True

    def between(self, low: int, _: int) -> int:
        return low


class _BadLuck(_Luck):
    """As little on a page and of a batch as may be."""

    def chance(self, _: float) -> bool:
        return False


def s(text: str) -> dict[str, str]:
    """A text as DynamoDB's client takes it."""
    return {"S": text}


def n(number: int) -> dict[str, str]:
    """A number as DynamoDB's client takes it."""
    return {"N": str(number)}


KEY = {"pk": s("aws:1"), "sk": s("mark#ann")}
OTHER = {"pk": s("aws:1"), "sk": s("mark#bob")}
ITEM = KEY | {"live": s("aws:1"), "version": n(1), "groups": {"SS": ["ops", "staff"]}}


def put(item: Mapping[str, Any] = ITEM, **more: Any) -> Request:
    """PutItem."""
    return "put_item", {"TableName": TABLE, "Item": dict(item), **more}


def update(expression: str, key: Mapping[str, Any] = KEY, **more: Any) -> Request:
    """UpdateItem; `names` and `values` are what the expression's stand for."""
    request: dict[str, Any] = {"TableName": TABLE, "Key": dict(key), "UpdateExpression": expression}
    return "update_item", _named(request, more)


def delete(**more: Any) -> Request:
    """DeleteItem."""
    return "delete_item", _named({"TableName": TABLE, "Key": KEY}, more)


def check(key: Mapping[str, Any], condition: str) -> Request:
    """The ConditionCheck of a transaction."""
    return "", {"TableName": TABLE, "Key": dict(key), "ConditionExpression": condition}


def get(key: Mapping[str, Any] = KEY, **more: Any) -> Request:
    """GetItem, consistent."""
    request = {"TableName": TABLE, "Key": dict(key), "ConsistentRead": True}
    return "get_item", _named(request, more)


def query(expression: str, **more: Any) -> Request:
    """Query."""
    return "query", _named({"TableName": TABLE, "KeyConditionExpression": expression}, more)


def transact(*entries: tuple[str, Request], **more: Any) -> Request:
    """TransactWriteItems."""
    items = [{kind: request} for kind, (_, request) in entries]
    return "transact_write_items", {"TransactItems": items, **more}


def _named(request: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    renamed = {"names": "ExpressionAttributeNames", "values": "ExpressionAttributeValues"}
    return request | {renamed.get(name, name): value for name, value in more.items()}


def only_if(condition: str, **values: Any) -> dict[str, Any]:
    """A condition with its values."""
    named = {f":{name}": value for name, value in values.items()}
    asked: dict[str, Any] = {"ConditionExpression": condition}
    return asked | ({"values": named} if named else {})


IS_NEW: dict[str, Any] = {"ConditionExpression": "attribute_not_exists(pk)"}
BATCH = {TABLE: {"Keys": [KEY, OTHER], "ConsistentRead": True}}
NEW = "ALL_NEW"

AGREED: Mapping[str, list[Request]] = {
    "a put creates and replaces": [put(), get(), put(KEY | {"version": n(2)}), get()],
    "a put tells the old item": [
        put(ReturnValues="ALL_OLD"),
        put(KEY | {"version": n(2)}, ReturnValues="ALL_OLD"),
    ],
    "a put only if there is none": [put(**IS_NEW), put(**IS_NEW)],
    "a put only over what was read": [
        put(),
        put(
            KEY | {"version": n(2)},
            ConditionExpression="version = :read",
            ExpressionAttributeValues={":read": n(1)},
        ),
        put(
            KEY | {"version": n(3)},
            ConditionExpression="version = :read",
            ExpressionAttributeValues={":read": n(1)},
        ),
        get(),
    ],
    "a refused put tells what stands there": [
        put(),
        put(**IS_NEW, ReturnValuesOnConditionCheckFailure="ALL_OLD"),
    ],
    "an update creates the item": [
        update("SET #f = :v", names={"#f": "f#1"}, values={":v": s("x")}, ReturnValues=NEW),
        get(),
    ],
    "an update sets several attributes": [
        put(),
        update(
            "SET #a = :a, b = :b, version = version + :one",
            names={"#a": "fact#e-1"},
            values={":a": {"M": {"at": s("now")}}, ":b": n(5), ":one": n(1)},
            ReturnValues=NEW,
        ),
        get(),
    ],
    "an update repeated changes nothing": [
        update("SET #f = :v", names={"#f": "f#1"}, values={":v": s("x")}, ReturnValues=NEW),
        update("SET #f = :v", names={"#f": "f#1"}, values={":v": s("x")}, ReturnValues=NEW),
    ],
    "an update reads the item as it was": [
        put(KEY | {"a": n(1), "b": n(2)}),
        update("SET a = b, b = a", ReturnValues=NEW),
    ],
    "an update keeps what is known first": [
        update("SET a = if_not_exists(a, :v)", values={":v": n(1)}, ReturnValues=NEW),
        update("SET a = if_not_exists(a, :v)", values={":v": n(2)}, ReturnValues=NEW),
        update(
            "SET a = if_not_exists(z, :none) + :one",
            values={":none": n(0), ":one": n(1)},
            ReturnValues=NEW,
        ),
    ],
    "an update counts down": [
        put(),
        update("SET version = version - :v", values={":v": n(3)}, ReturnValues=NEW),
    ],
    "an update appends to a list": [
        update(
            "SET l = list_append(if_not_exists(l, :none), :v)",
            values={":none": {"L": []}, ":v": {"L": [n(1)]}},
            ReturnValues=NEW,
        ),
        update("SET l = list_append(l, :v)", values={":v": {"L": [n(2)]}}, ReturnValues=NEW),
    ],
    "an update removes": [
        put(),
        update("REMOVE live, version, never", ReturnValues=NEW),
        update("REMOVE live", ReturnValues="ALL_OLD"),
    ],
    "an update adds to numbers and sets": [
        update("ADD hits :one, ids :id", values={":one": n(1), ":id": {"SS": ["e-2"]}}),
        update("ADD hits :one, ids :id", values={":one": n(1), ":id": {"SS": ["e-1", "e-2"]}}),
        get(),
    ],
    "an update takes out of a set": [
        put(),
        update("DELETE #g :out", names={"#g": "groups"}, values={":out": {"SS": ["ops"]}}),
        get(),
        update("DELETE #g :out", names={"#g": "groups"}, values={":out": {"SS": ["staff"]}}),
        get(),
    ],
    "an update of every kind at once": [
        put(),
        update(
            "SET a = :a REMOVE live ADD version :a DELETE #g :out",
            names={"#g": "groups"},
            values={":a": n(7), ":out": {"SS": ["ops"]}},
            ReturnValues=NEW,
        ),
    ],
    "an update tells old and new": [
        put(),
        update("SET version = :v", values={":v": n(2)}, ReturnValues="UPDATED_OLD"),
        update("SET version = :v", values={":v": n(3)}, ReturnValues="UPDATED_NEW"),
        update("SET version = :v", values={":v": n(4)}, ReturnValues="ALL_OLD"),
        update("SET version = :v", values={":v": n(5)}),
    ],
    "an update that creates has nothing old": [
        update("SET a = :v", values={":v": n(2)}, ReturnValues="ALL_OLD"),
    ],
    "an update under a condition": [
        update("SET a = :v", values={":v": n(1)}, ConditionExpression="attribute_exists(pk)"),
        get(),
        put(),
        update(
            "SET a = :v",
            values={":v": n(1), ":read": n(1)},
            ConditionExpression="version = :read",
            ReturnValues=NEW,
        ),
        update(
            "SET a = :v",
            values={":v": n(1), ":read": n(2)},
            ConditionExpression="version = :read",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        ),
    ],
    "a key cannot be updated": [put(), update("SET sk = :v", values={":v": s("x")})],
    "what is not there cannot be copied": [put(), update("SET a = never")],
    "one attribute is changed once": [put(), update("SET a = :v, a = :v", values={":v": n(1)})],
    "a deletion, and one of nothing": [
        put(),
        delete(ReturnValues="ALL_OLD"),
        get(),
        delete(ReturnValues="ALL_OLD"),
    ],
    "a deletion under a condition": [
        put(),
        delete(**only_if("version = :v", v=n(2))),
        get(),
        delete(**only_if("version = :v", v=n(1))),
        get(),
    ],
    "conditions of every kind": [
        put(),
        *(
            update("SET a = :new", values={":new": n(number)} | values, ConditionExpression=text)
            for number, (text, values) in enumerate(
                (
                    ("version = :v AND attribute_exists(live)", {":v": n(1)}),
                    ("version = :v AND attribute_not_exists(live)", {":v": n(1)}),
                    ("version > :v OR attribute_not_exists(live)", {":v": n(0)}),
                    ("NOT version > :v", {":v": n(0)}),
                    ("NOT (version > :v AND version < :w)", {":v": n(0), ":w": n(2)}),
                    ("version <> :v", {":v": s("1")}),
                    ("never <> :v", {":v": s("1")}),
                    ("never < :v", {":v": s("1")}),
                    ("version BETWEEN :v AND :w", {":v": n(0), ":w": n(1)}),
                    ("version IN (:v, :w)", {":v": n(0), ":w": n(1)}),
                    ("begins_with(live, :v)", {":v": s("aws:")}),
                    ("begins_with(live, :v)", {":v": s("xyz:")}),
                    ("contains(live, :v)", {":v": s("ws:")}),
                    ("contains(live, :v)", {":v": s("zz:")}),
                    ("size(live) = :v", {":v": n(5)}),
                    ("attribute_type(live, :v)", {":v": s("S")}),
                    ("attribute_type(live, :v)", {":v": s("N")}),
                )
            )
        ),
    ],
    "nothing is named in vain": [
        put(),
        update("SET a = :v", values={":v": n(1), ":w": n(2)}),
        update("SET a = :v", values={":w": n(2)}),
    ],
    "a read of some attributes": [
        put(),
        get(ProjectionExpression="#v, live, never", names={"#v": "version"}),
        get(OTHER),
    ],
    "queries in order": [
        put(),
        put(OTHER),
        put(KEY | {"sk": s("sweep")}),
        query("pk = :pk", values={":pk": s("aws:1")}),
        query("pk = :pk", values={":pk": s("aws:1")}, ScanIndexForward=False, Limit=1),
        query("pk = :pk", values={":pk": s("aws:1")}, Limit=1, ExclusiveStartKey=KEY),
        query(
            "pk = :pk", values={":pk": s("aws:1")}, ScanIndexForward=False, ExclusiveStartKey=OTHER
        ),
        query(
            "pk = :pk AND begins_with(sk, :m)", values={":pk": s("aws:1"), ":m": s("mark#")}
        ),
        query("pk = :pk AND sk > :m", values={":pk": s("aws:1"), ":m": s("mark#bob")}),
        query(
            "pk = :pk",
            values={":pk": s("aws:1"), ":v": n(1)},
            FilterExpression="version = :v",
            ProjectionExpression="sk",
        ),
        query("pk = :pk", values={":pk": s("aws:9")}),
    ],
    "a query of the index": [
        put(),
        put(OTHER),
        query("live = :a", values={":a": s("aws:1")}, IndexName="live"),
        update("REMOVE live"),
        query("live = :a", values={":a": s("aws:1")}, IndexName="live"),
    ],
    "a batch of reads": [
        put(),
        ("batch_get_item", {"RequestItems": BATCH}),
        put(OTHER),
        ("batch_get_item", {"RequestItems": BATCH}),
        ("batch_get_item", {"RequestItems": {TABLE: {"Keys": [KEY, KEY]}}}),
    ],
    "a batch of writes": [
        put(),
        (
            "batch_write_item",
            {
                "RequestItems": {
                    TABLE: [{"PutRequest": {"Item": OTHER}}, {"DeleteRequest": {"Key": KEY}}]
                }
            },
        ),
        get(),
        get(OTHER),
    ],
    "a transaction is carried out whole": [
        put(),
        transact(
            ("Update", update("SET a = :v", values={":v": n(1)})),
            ("Put", put(OTHER, **IS_NEW)),
        ),
        get(),
        get(OTHER),
    ],
    "a transaction is refused whole": [
        put(),
        transact(
            ("Put", put(OTHER)),
            ("Update", update("SET a = :v", values={":v": n(1)}, **IS_NEW)),
        ),
        get(),
        get(OTHER),
    ],
    "a transaction may check and delete": [
        put(),
        put(OTHER),
        transact(
            ("ConditionCheck", check(OTHER, "attribute_exists(pk)")),
            ("Delete", delete()),
        ),
        get(),
        get(OTHER),
    ],
    "a transaction changes an item once": [
        transact(("Put", put()), ("Update", update("REMOVE a"))),
        get(),
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def moto() -> Iterator[DynamoDBClient]:
    """A client of moto."""
    with mock_aws():
        yield boto3.client(
            "dynamodb", "us-east-1", aws_access_key_id="testing", aws_secret_access_key="testing"
        )


@pytest.fixture
def table(moto: DynamoDBClient) -> Iterator[DynamoDBClient]:
    """The same, with an empty table like the template's."""
    named = [{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk", "live")]
    pk, sk, live = (name["AttributeName"] for name in named)
    moto.create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=named,  # type: ignore[arg-type]  # a list of such mappings
        KeySchema=[
            {"AttributeName": pk, "KeyType": "HASH"},
            {"AttributeName": sk, "KeyType": "RANGE"},
        ],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "live",
                "KeySchema": [
                    {"AttributeName": live, "KeyType": "HASH"},
                    {"AttributeName": pk, "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
    )
    yield moto
    moto.delete_table(TableName=TABLE)


def asked_simulator(simulated: SimulatedDynamoDB, request: Request, luck: Any) -> object:
    """What the simulated DynamoDB comes to."""
    call = Call(luck=luck, invocation=None)
    try:
        return _essence(simulated.answer(*request, call))
    except ClientError as error:
        return _refused(error)


def asked_moto(client: DynamoDBClient, request: Request) -> object:
    """What moto comes to."""
    try:
        return _essence(getattr(client, request[0])(**request[1]))
    except ClientError as error:
        return _refused(error)


def _refused(error: ClientError) -> object:
    told = error.response
    return (
        told["Error"]["Code"],
        told.get("Item"),
        [(reason["Code"], reason.get("Item")) for reason in told.get("CancellationReasons", ())],
    )


def _essence(answer: Mapping[str, Any]) -> object:
    """All but how the call went, with sets in order."""
    left_out = ("ResponseMetadata", "ConsumedCapacity", "ItemCollectionMetrics")
    return _sorted_sets({name: part for name, part in answer.items() if name not in left_out})


def _sorted_sets(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {k: sorted(v) if k == "SS" else _sorted_sets(v) for k, v in value.items()}
    return [_sorted_sets(part) for part in value] if isinstance(value, list) else value


@pytest.mark.parametrize("requests", AGREED.values(), ids=AGREED.keys())
def test_it_answers_as_moto_does(table: DynamoDBClient, requests: list[Request]) -> None:
    """Answers, refusals and all that is stored: what holds in the simulation holds on moto."""
    simulated, luck = SimulatedDynamoDB(Kernel(), 0), _Luck()
    for request in requests:
        assert asked_simulator(simulated, request, luck) == asked_moto(table, request), request


@pytest.mark.parametrize(
    "request_",
    [
        ("scan", {"TableName": TABLE}),
        get(AttributesToGet=["a"]),
        update("SET a.b = :v", values={":v": n(1)}),
        update("SET a[0] = :v", values={":v": n(1)}),
        update("PUT a = :v", values={":v": n(1)}),
        update("SET a = nothing(a, :v)", values={":v": n(1)}),
        update("SET a = :v", values={":v": n(1)}, ConditionExpression="a ~ :v"),
        update("SET a = :v", values={":v": n(1)}, ConditionExpression="a = :v AND"),
        update("SET a = :v SET b = :v", values={":v": n(1)}),
    ],
    ids=str,
)
def test_what_it_does_not_understand_stops_it(request_: Request) -> None:
    """Nothing may pass as true, or as done, because the simulator knows no better."""
    simulated = SimulatedDynamoDB(Kernel(), 0)
    with pytest.raises(SimulationError):
        asked_simulator(simulated, request_, _Luck())


def test_a_batch_may_be_done_in_part() -> None:
    """DynamoDB leaves some of a batch to be asked for again: it names them, and did not do them."""
    simulated = SimulatedDynamoDB(Kernel(), 0)
    asked = {TABLE: [{"PutRequest": {"Item": item}} for item in (KEY, OTHER)]}
    luck = Call(luck=_BadLuck(), invocation=None)
    written = simulated.answer("batch_write_item", {"RequestItems": asked}, luck)
    assert written["UnprocessedItems"] == {TABLE: [{"PutRequest": {"Item": OTHER}}]}
    read = simulated.answer("batch_get_item", {"RequestItems": BATCH}, luck)
    assert read["Responses"] == {TABLE: [KEY]}
    assert read["UnprocessedKeys"] == {TABLE: {"Keys": [OTHER], "ConsistentRead": True}}


def test_a_repeated_transaction_is_carried_out_once() -> None:
    """Its token tells DynamoDB that the SDK sends the same one again."""
    simulated, luck = SimulatedDynamoDB(Kernel(), 0), _Luck()
    count = ("Update", update("ADD hits :one", values={":one": n(1)}))
    for _ in range(2):
        asked_simulator(simulated, transact(count, ClientRequestToken="a token"), luck)
    assert asked_simulator(simulated, get(), luck) == {"Item": KEY | {"hits": n(1)}}
