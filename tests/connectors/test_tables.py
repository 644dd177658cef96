"""Tables: whatever a customer's program saved is read, and what cannot be read is told in words."""

import sqlite3
from contextlib import closing

import pytest

from agentflow.connectors.tables import read_columns, read_table
from agentflow.errors import ConnectorError

EXPECTED = [{"Nr": "1", "Name": "Müller; Söhne", "IBAN": None}, {"Nr": "2", "Name": "Ärmel | Co", "IBAN": "X"}]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
async def test_a_csv_file_is_read_whatever_its_delimiter_and_encoding(tmp_path, delimiter, encoding):
    rows = [["Nr", "Name", "IBAN"], ["1", '"Müller; Söhne"', ""], [], ["2", '"Ärmel | Co"', " X "]]
    text = "\r\n".join(delimiter.join(row) for row in rows)
    (tmp_path / "v.csv").write_bytes(text.encode(encoding))
    assert await read_table(str(tmp_path / "v.csv")) == EXPECTED


async def test_short_and_long_rows_keep_to_the_header(tmp_path):
    (tmp_path / "v.csv").write_text("a,b\n1\n1,2,3\n")
    assert await read_table(str(tmp_path / "v.csv")) == [{"a": "1", "b": None}, {"a": "1", "b": "2"}]


@pytest.mark.parametrize(
    ("content", "words"),
    [("", "no header"), ("\n\n", "no header"), ("1,2\n3,4", "no header"), ("a,b,a\n1,2,3", "twice: a")],
)
async def test_a_file_without_a_usable_header_is_told(tmp_path, content, words):
    (tmp_path / "v.csv").write_text(content)
    with pytest.raises(ConnectorError, match=words):
        await read_table(str(tmp_path / "v.csv"))


async def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(ConnectorError, match="No such file"):
        await read_table(str(tmp_path / "v.csv"))


async def test_missing_columns_are_named_with_those_that_are_there(tmp_path):
    (tmp_path / "v.csv").write_text("Vendor,City\nA,B\n")
    spellings = {"vendor_id": (), "name": ("vendor",), "iban": ()}
    with pytest.raises(ConnectorError, match="lacks the columns vendor_id, iban; it has Vendor, City"):
        await read_columns(str(tmp_path / "v.csv"), spellings, ["vendor_id", "iban"])


async def test_columns_are_found_under_other_spellings(tmp_path):
    (tmp_path / "v.csv").write_text("Vendor No.;E-Mail;Account\n7;x@y;4\n")
    spellings = {"vendor_id": ("vendor no", "id"), "account": ()}
    assert await read_columns(str(tmp_path / "v.csv"), spellings, ["vendor_id"]) == [{"vendor_id": "7", "account": "4"}]


@pytest.fixture
def database(tmp_path):
    with closing(sqlite3.connect(tmp_path / "x.db")) as theirs:
        theirs.execute('CREATE TABLE "the vendors" (id INTEGER, name TEXT, since DATE)')
        theirs.execute("INSERT INTO \"the vendors\" VALUES (1, 'A', '2020-01-02'), (2, NULL, NULL)")
        theirs.commit()
    return f"sqlite:///{tmp_path / 'x.db'}"


@pytest.mark.parametrize("named", ["", "?table=the vendors", "?table=the+vendors", "#the vendors"])
async def test_a_sql_table_is_read_by_name_or_as_the_only_one(database, named):
    rows = await read_table(database + named)
    assert rows == [{"id": "1", "name": "A", "since": "2020-01-02"}, {"id": "2", "name": None, "since": None}]


@pytest.mark.parametrize("name", ["orders", 'x"; DROP TABLE "the vendors'])
async def test_a_table_that_is_not_there_is_told_with_those_that_are(database, name):
    with pytest.raises(ConnectorError, match=r"has no table .*; it has the vendors"):
        await read_table(database, name)
    assert len(await read_table(database)) == 2


async def test_a_choice_of_tables_has_to_be_made(database, tmp_path):
    with closing(sqlite3.connect(tmp_path / "x.db")) as theirs:
        theirs.execute("CREATE TABLE orders (id)")
    with pytest.raises(ConnectorError, match="more than one table; it has orders, the vendors"):
        await read_table(database)
