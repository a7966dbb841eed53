"""Tables in files of all kinds hold the same columns."""

import bz2
import gzip

import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import feather

from fastmlp.cli.errors import DataError
from fastmlp.cli.tables.reading import TextFormat, open_table
from fastmlp.cli.tables.text_columns import as_kind, inferred
from fastmlp.cli.tables.writing import table_writer

PLAIN = 'name,size,note\nA,1.5,x\nB,,"y, z"\nC,-2,NA\n'
ROWS = [["A", "B", "C"], ["1.5", "", "-2"], ["x", "y, z", "NA"]]


@pytest.fixture
def read(tmp_path):
    """The columns of a file with these bytes, as lists."""

    def columns(name, content, **how):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        with open_table(str(path), TextFormat(**how)) as file:
            table = file.whole()
            assert table.column_names == file.names
            return [column.to_pylist() for column in table.columns]

    return columns


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_header_tells_the_delimiter(read, delimiter):
    text = PLAIN.replace("y, z", "y")
    rows = [*ROWS[:2], ["x", "y", "NA"]]
    assert read("a.csv", text.replace(",", delimiter)) == rows


def test_a_delimiter_may_be_given(read):
    assert read("a.data", "a:b\n1:2\n", delimiter=":") == [["1"], ["2"]]
    assert read("a.csv", "a;b;c,d\n1;2;3,4\n", delimiter=",") == [["1;2;3"], ["4"]]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", PLAIN),
        ("A.TXT", PLAIN),
        ("a.csv.gz", gzip.compress(PLAIN.encode(), mtime=0)),
        ("a.tsv.bz2", bz2.compress(PLAIN.encode())),
        ("a.csv.zst", pa.compress(PLAIN.encode(), "zstd", asbytes=True)),
        ("a.csv", b"\xef\xbb\xbf" + PLAIN.encode()),
        ("a.csv", PLAIN.replace("\n", "\r\n")),
        ("a.csv", PLAIN.removesuffix("\n")),
    ],
)
def test_text_in_any_wrapping(read, name, content):
    assert read(name, content) == ROWS


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16"])
def test_encodings(read, encoding):
    text = "town,n\nKöln,1\n"
    assert read("a.csv", text.encode(encoding), encoding=encoding) == [["Köln"], ["1"]]


def test_line_breaks_in_quotes(read):
    assert read("a.csv", '"a\nb",c\n"1\n2",3\n') == [["1\n2"], ["3"]]


def test_columns_without_a_name_are_left_out(read):
    assert read("a.csv", ",a,\n0,x,1\n1,y,2\n") == [["x", "y"]]


def test_parquet_and_arrow(tmp_path):
    frame = pd.DataFrame({"a": [1, 2], "b": ["x", None]}, index=["p", "q"])
    table = pa.table({"a": [1, 2], "b": ["x", None]})
    frame.to_parquet(tmp_path / "a.parquet")
    feather.write_feather(table, str(tmp_path / "a.feather"))
    with pa.ipc.new_stream(tmp_path / "a.arrow", table.schema) as stream:
        stream.write_table(table)
    for name in ("a.parquet", "a.feather", "a.arrow"):
        with open_table(str(tmp_path / name), TextFormat()) as file:
            assert not file.is_text
            assert file.whole().to_pydict() == table.to_pydict()


@pytest.mark.parametrize("name", ["a.csv", "a.parquet", "a.feather"])
def test_large_tables_come_in_pieces(tmp_path, name):
    path = tmp_path / name
    numbers = pa.table({"a": list(range(300_000))})
    with table_writer(str(path)) as write:
        write(numbers)
    with open_table(str(path), TextFormat()) as file:
        pieces = [piece["a"].to_pylist() for piece in file.pieces]
    assert max(map(len, pieces)) < 200_000
    assert [int(number) for piece in pieces for number in piece] == numbers["a"].to_pylist()


@pytest.mark.parametrize(
    ("name", "content", "how", "message"),
    [
        ("a.csv", "", {}, "is empty: its first line must name the columns"),
        ("a.csv", "a,b\n", {}, "it has a header but no rows"),
        ("a.csv", "a,a\n1,2\n", {}, r"several columns of the same name: \['a'\]"),
        ("a.csv", "a,b\n1,2\n1,2,3\n", {}, "Expected 2 columns, got 3"),
        ("a.csv", "a\nKöln\n".encode("cp1252"), {}, "not utf-8 text; .* --encoding cp1252"),
        ("a.csv", "a\nö\n", {"encoding": "no"}, "--encoding: unknown encoding: no"),
        ("a.csv", "a\nö\n", {"encoding": "base64"}, "--encoding: 'base64' is not a text encoding"),
        ("a.csv.gz", b"a,b\n", {}, "cannot read .*a.csv.gz"),
        ("a.parquet", "a,b\n", {}, "cannot read .*a.parquet"),
        ("a.arrow", "a,b\n1,2\n", {}, "cannot read .*a.arrow"),
        ("a.xlsx", "", {}, r"cannot tell the format of .*a.xlsx from its name: .* .csv, .tsv"),
    ],
)
def test_what_cannot_be_read(read, name, content, how, message):
    with pytest.raises(DataError, match=message):
        read(name, content, **how)


def test_no_such_file(tmp_path):
    with (
        pytest.raises(DataError, match=r"no such file: .*nothing\.csv"),
        open_table(str(tmp_path / "nothing.csv"), TextFormat()),
    ):
        pass


@pytest.mark.parametrize(
    ("texts", "kind", "values"),
    [
        (["1", " 2", ""], "int64", [1, 2, None]),
        (["1", "2.5", "NA"], "double", [1, 2.5, None]),
        (["true", "False", ""], "bool", [True, False, None]),
        (["1", "x", "null"], "string", ["1", "x", None]),
        (["2020-01-01", "", "2020-01-02"], "string", ["2020-01-01", None, "2020-01-02"]),
        (["", "nan", ""], "double", [None, None, None]),
    ],
)
def test_text_that_stands_for_values(texts, kind, values):
    found = inferred(pa.chunked_array([texts]), ".")
    assert str(found.type) == kind
    assert found.to_pylist() == values


def test_decimal_commas():
    assert inferred(pa.chunked_array([["1,5", "2"]]), ",").to_pylist() == [1.5, 2.0]


def test_a_point_is_no_decimal_beside_decimal_commas():
    texts = ["1,5", "1.234"]  # of thousands
    assert inferred(pa.chunked_array([texts]), ",").to_pylist() == texts
    with pytest.raises(DataError, match=r"a holds '1\.234', which is not a number"):
        as_kind(pa.chunked_array([texts]), "number", ",", "a")


def test_a_column_of_a_known_kind():
    text = pa.chunked_array([["1", "2", "NA"]])
    assert as_kind(text, "number", ".", "a").to_pylist() == [1.0, 2.0, None]
    assert as_kind(text, "text", ".", "a").to_pylist() == ["1", "2", None]
    assert as_kind(text, "label", ".", "a").to_pylist() == [1, 2, None]
    with pytest.raises(DataError, match="a holds 'x', which is not a number"):
        as_kind(pa.chunked_array([["1", "x"]]), "number", ".", "a")
    with pytest.raises(DataError, match="a holds 'maybe', which is not a boolean"):
        as_kind(pa.chunked_array([["true", "maybe"]]), "boolean", ".", "a")
