"""Dates become elapsed days and phases of periods, however they are held or written."""

import datetime

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from columns_of_every_kind import NAN, encoded

from fastmlp import Regressor
from fastmlp.table.dates import Dates
from fastmlp.table.durations import Durations
from fastmlp.table.encoder import DenseEncoder

DAYS = pd.date_range("2020-01-01", periods=500, freq="31h")  # hours and minutes differ


def plain(instants):
    """The encoded dates, written plainly."""
    instants = np.asarray(instants, dtype="M8[us]")
    days = instants.astype(np.int64) / 86_400e6
    year = instants.astype("M8[Y]")
    length = ((year + 1).astype("M8[D]") - year.astype("M8[D]")).astype(np.int64)
    of_year = (days - year.astype("M8[D]").astype(np.int64)) / length
    columns = [days]
    for phase in (of_year, (days - 4) / 7, days):
        columns += [np.sin(2 * np.pi * phase), np.cos(2 * np.pi * phase)]
    return np.column_stack(columns)


HELD = {
    "datetime64": DAYS,
    "seconds": DAYS.astype("M8[s]"),
    "nanoseconds": DAYS.astype("M8[ns]"),
    "UTC": DAYS.tz_localize("UTC"),
    "zone": DAYS.tz_localize("UTC").tz_convert("America/New_York"),
    "periods": DAYS.to_period("h"),
    "objects": pd.Series(DAYS.to_pydatetime(), dtype=object),
    "objects with a zone": pd.Series(
        DAYS.tz_localize("UTC").tz_convert("Asia/Tokyo").to_pydatetime(), dtype=object
    ),
    "pandas objects": pd.Series(list(DAYS), dtype=object),
    "pandas objects with a zone": pd.Series(list(DAYS.tz_localize("Etc/UTC")), dtype=object),
    "numpy objects": pd.Series(list(DAYS.to_numpy()), dtype=object),
    "arrow": pd.array(DAYS, dtype=pd.ArrowDtype(pa.timestamp("us"))),
    "arrow with a zone": pd.array(
        DAYS.tz_localize("UTC"), dtype=pd.ArrowDtype(pa.timestamp("ms", "UTC"))
    ),
    "ISO text": DAYS.strftime("%Y-%m-%d %H:%M:%S"),
    "ISO text with a zone": [
        d.isoformat() for d in DAYS.tz_localize("UTC").tz_convert("Etc/GMT+5")
    ],
    "ISO text with fractions": DAYS.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
}
WRITTEN = {
    "%Y/%m/%d %H:%M": "ymd",
    "%d/%m/%Y %H:%M": "dmy",
    "%d.%m.%Y %H:%M:%S": "dmy",
    "%d/%m/%y %H:%M": "dmy",
    "%m/%d/%Y %I:%M %p": "mdy",
    "%m-%d-%Y %H:%M": "mdy",
    "%a, %d %b %Y %H:%M:%S GMT": "dby",
    "%d-%b-%y %H:%M": "dby",
    "%B %d, %Y, %I:%M %p": "bdy",
}


@pytest.mark.parametrize("how", HELD)
def test_dates_however_they_are_held(how):
    frame = pd.DataFrame({"when": HELD[how]})
    from_dates, _ = DenseEncoder.learn(pd.DataFrame({"when": DAYS}))
    tables = [frame, np.array(frame, dtype=object)]
    if how != "periods":
        tables += [pl.from_pandas(frame), pa.Table.from_pandas(frame)]
    for table in tables:
        result, again, one, columns = encoded(table, table, table[7:8])
        np.testing.assert_allclose(result, plain(DAYS), atol=1e-9)
        np.testing.assert_array_equal(again, result)
        np.testing.assert_array_equal(one, result[7:8])
        np.testing.assert_array_equal(columns.encode(pd.DataFrame({"when": DAYS})), result)
        np.testing.assert_array_equal(from_dates.encode(table[:40]), result[:40])


@pytest.mark.parametrize("form", WRITTEN)
def test_dates_however_they_are_written(form):
    text = DAYS.strftime(form)
    result, later, columns = encoded(
        pd.DataFrame({"when": text}), pd.DataFrame({"when": DAYS[3:4]})
    )
    np.testing.assert_allclose(result, plain(DAYS), atol=1e-9)
    np.testing.assert_allclose(later, result[3:4], atol=1e-9)
    assert columns.columns[0].reader == Dates(WRITTEN[form], ("year", "week", "day"))


def test_columns_of_a_date():
    dates = [*DAYS[:400], None]
    result, columns = encoded(pd.DataFrame({"when": dates, "x": np.arange(401.0)}))
    assert columns.names_of_encoded == [
        "when",
        *(f"when ({f} of {p})" for p in ("year", "week", "day") for f in ("sine", "cosine")),
        *("x", "when (missing)"),
    ]
    assert columns.encoded_by_column == [[*range(7), 8], [7]]
    assert (columns.n_numeric, columns.n_flags, columns.category_sizes) == (8, 1, ())
    assert np.isnan(result[-1, :7]).all()
    assert result[:, 8].tolist() == [0.0] * 400 + [1.0]


def periods_of(values, **options):
    columns, _ = DenseEncoder.learn(pd.DataFrame({"a": values}), **options)
    return columns.columns[0].reader.periods


@pytest.mark.parametrize(
    ("values", "periods"),
    [
        (pd.date_range("2020-01-01", periods=500), ("year", "week")),
        (pd.date_range("2020-01-01", periods=300), ("week",)),  # less than a year
        (pd.date_range("2020-01-01", periods=6), ()),
        (pd.date_range("2020-01-06", periods=80, freq="7D"), ("year",)),  # always Monday
        (pd.date_range("2020-01-01", periods=30, freq="MS"), ("year",)),
        (pd.date_range("2020-01-01", periods=30, freq="ME"), ("year",)),
        (pd.date_range("1990-01-01", periods=30, freq="YS"), ()),
        (pd.period_range("2020-01", periods=30, freq="M"), ("year",)),
        (pd.date_range("2020-01-01 12:00", periods=500), ("year", "week")),  # always noon
        (pd.date_range("2020-01-01", periods=50, freq="h"), ("day",)),
        (pd.date_range("2020-01-01", periods=20, freq="h"), ()),
        (["2020-01-05"] * 3, ()),
        (["2020-01", "2020-07", "2021-03"], ("year",)),
    ],
)
def test_periods_that_the_dates_span_and_resolve(values, periods):
    assert periods_of(values) == periods


def test_day_and_month_are_told_apart_by_the_whole_column():
    days = pd.date_range("2020-01-01", periods=12)
    for form in ("%d/%m/%Y", "%m/%d/%Y"):
        frame = pd.DataFrame({"a": (days + pd.Timedelta("3D")).strftime(form)})
        columns, result = DenseEncoder.learn(frame)
        np.testing.assert_array_equal(np.diff(result[:, 0]), 1)
        # A batch that could be either is read as in training.
        np.testing.assert_array_equal(columns.encode(frame[:3]), result[:3])
    first_days = pd.date_range("2020-01-01", periods=12, freq="MS")
    for form in ("%d/%m/%Y", "%m/%d/%Y"):
        result, _ = encoded(pd.DataFrame({"a": first_days.strftime(form)}))
        assert np.diff(result[:, 0]).min() >= 28


@pytest.mark.parametrize(
    ("text", "read"), [("03/04/2020", "2020-03-04"), ("03.04.2020", "2020-04-03")]
)
def test_day_and_month_that_cannot_be_told_apart(text, read):
    other = text.replace("03", "05").replace("04", "06")
    with pytest.warns(UserWarning, match="'a' holds dates whose day and month cannot be"):
        result, _ = encoded(pd.DataFrame({"a": [text, other]}))
    assert result[0, 0] == np.datetime64(read).astype(int)


def test_neither_number_changes():
    texts = [f"04/05/{year}" for year in range(2000, 2024)]
    with pytest.warns(UserWarning, match="'a' holds dates whose day and month cannot be"):
        encoded(pd.DataFrame({"a": texts}))


def test_some_later_dates_are_in_another_order():
    with pytest.warns(UserWarning, match="'a' holds dates whose day and month cannot be"):
        *_, columns = encoded(pd.DataFrame({"a": ["03/04/2020", "05/06/2020"]}))
    later = pd.DataFrame({"a": ["31/01/2024", "01/02/2024"]})
    with pytest.warns(UserWarning, match="1 of 2 values, such as '31/01/2024', cannot be read"):
        columns.encode(later)


def test_later_dates_with_the_year_first_are_always_read():
    given = pd.DataFrame({"a": DAYS[:60].strftime("%d/%m/%Y")})
    *_, columns = encoded(given)
    later = pd.DataFrame({"a": [*DAYS[:30].strftime("%Y-%m-%d"), *given["a"][30:]]})
    np.testing.assert_array_equal(columns.encode(later), columns.encode(given))


def test_few_rows_are_dates():
    days = [*DAYS[:60].strftime("%Y-%m-%d %H:%M"), *["never"] * 10]
    for values in (days, [*DAYS[:60], *["never"] * 10]):
        with pytest.warns(
            UserWarning, match="It holds numbers or dates, .* if 'never' is made mis"
        ):
            *_, columns = encoded(pd.DataFrame({"a": pd.Series(values, dtype=object)}))
        assert columns.columns[0].kind != "numeric"


def test_day_and_month_that_need_not_be_told_apart():
    result, _ = encoded(pd.DataFrame({"a": ["01/01/2020", "02/02/2020", "03/03/2020"]}))
    assert np.diff(result[:, 0]).tolist() == [32, 30]


def test_text_that_is_no_date_is_missing():
    texts = [*DAYS.strftime("%Y-%m-%d"), "2020-02-30", "someday", "n/a", ""]
    result, columns = encoded(pd.DataFrame({"a": texts}))
    assert columns.columns[0].missing
    assert np.isnan(result[:, 0]).sum() == 4
    later = ["2020-13-01", "01/02/2020", None, "2021-01-01 25:00", "2021-01-01 23:59:59.5+00:30"]
    with pytest.warns(UserWarning, match="3 of 4 values, such as '2020-13-01', cannot be read"):
        days = columns.encode(pd.DataFrame({"a": later}))[:, 0]
    assert np.isnan(days[:4]).all()
    assert days[4] == np.datetime64("2021-01-01T23:29:59.5").astype("M8[us]").astype(int) / 86_400e6
    # Too few are dates.
    *_, columns = encoded(pd.DataFrame({"a": ["2020-01-01", "2020-01-02", "x", "y"]}))
    assert columns.columns[0].kind == "category"


def test_batch_without_a_date():
    *_, columns = encoded(pd.DataFrame({"a": DAYS.strftime("%Y-%m-%d")}))
    for later in (["1/2/2020"], ["1/2/2020", "2/2/2020"]):
        with pytest.warns(UserWarning, match=r"of \d values, such as '1/2/2020', cannot be read"):
            assert np.isnan(columns.encode(pd.DataFrame({"a": later}))).all()
    for nothing in ([None], [NAN], [pd.NaT]):
        assert np.isnan(columns.encode(pd.DataFrame({"a": nothing}))).all()
    with pytest.raises(ValueError, match="'a' held dates in training; got numbers, such as 5"):
        columns.encode(pd.DataFrame({"a": [5]}))


def test_listed_dates_and_categories_of_dates_stay_categories():
    values = ["2020-01-01", "2020-01-02", "2020-01-03"]
    for held in (values, pd.to_datetime(values)):
        columns, result = DenseEncoder.learn(pd.DataFrame({"a": held}), ["a"])
        assert columns.category_sizes == (3,)
        np.testing.assert_array_equal(columns.encode(pd.DataFrame({"a": held})), result)
    *_, columns = encoded(pd.DataFrame({"a": pd.Categorical(values)}))
    assert columns.category_sizes == (3,)


def test_versions_and_codes_are_no_dates():
    for values in (
        ["3.11.9", "3.12.1", "3.13.0"],
        ["20200101", "20200102", "20200103"],
        ["4711-01", "1234-04", "1234-05"],
        ["Marlin 1895", "Decker 1894", "Junior 2002"],
    ):
        *_, columns = encoded(pd.DataFrame({"a": values}))
        assert columns.columns[0].kind == "category"


DURATIONS = {
    "pandas": pd.DataFrame({"a": pd.to_timedelta([60, None, 90], unit="s")}),
    "polars": pl.DataFrame({"a": [datetime.timedelta(0, 60), None, datetime.timedelta(0, 90)]}),
    "arrow": pa.table({"a": [datetime.timedelta(0, 60), None, datetime.timedelta(0, 90)]}),
    "objects": np.array([[datetime.timedelta(0, 60)], [None], [np.timedelta64(90, "s")]]),
    "array": np.array([[60], ["NaT"], [90]], dtype="m8[s]"),
    "times": pl.DataFrame({"a": [datetime.time(0, 1), None, datetime.time(0, 1, 30)]}),
}


@pytest.mark.parametrize("other", DURATIONS)
@pytest.mark.parametrize("how", DURATIONS)
def test_durations_are_seconds(how, other):
    result, later, columns = encoded(DURATIONS[how], DURATIONS[other])
    np.testing.assert_array_equal(result, [[60, 0], [NAN, 1], [90, 0]])
    np.testing.assert_array_equal(later, result)
    assert columns.columns[0].reader == Durations()


def test_nanoseconds_of_few_rows():
    frame = pd.DataFrame({"a": pd.to_timedelta([379, 500_000_001], unit="ns"), "b": ["x", "y"]})
    result, later, _ = encoded(frame, frame.iloc[:1])
    assert result[:, 0].tolist() == [3.79e-07, 0.500000001]
    assert later[0, 0] == result[0, 0]


def test_durations_as_text():
    seconds = np.arange(-40, 40) * 7001.25
    durations = pd.to_timedelta(seconds, unit="s")
    for texts in (map(str, durations), map(str, durations.to_pytimedelta())):
        result, columns = encoded(pd.DataFrame({"a": [*texts, "n/a", "0 days 00:61:00"]}))
        np.testing.assert_array_equal(result[:, 0], [*seconds, NAN, NAN])
        assert columns.columns[0].reader == Durations()
    times = [f"{hour}:{minute:02d}" for hour in (8, 12, 20) for minute in (0, 5, 15, 30)]
    result, columns = encoded(pd.DataFrame({"a": times}))
    assert result[:4, 0].tolist() == [28800, 29100, 29700, 30600]
    assert encoded(pd.DataFrame({"a": times[:9]}))[1].columns[0].kind == "category"


def test_season_is_found():
    rng = np.random.default_rng(0)
    days = pd.Series(pd.date_range("2020-01-01", periods=800))
    y = np.sin(2 * np.pi * days.dt.day_of_year / 365.25) + 0.05 * rng.normal(size=800)
    frame = pd.DataFrame({"when": days.dt.strftime("%d/%m/%Y"), "x": rng.normal(size=800)})
    train, test = np.split(rng.permutation(800), [500])
    model = Regressor(preset="fast", random_state=0, max_iter=30, compute_importances=True)
    model.fit(frame.iloc[train], y[train])
    assert model.score(frame.iloc[test], y[test]) > 0.95
    assert model.feature_importances_.shape == (2,)
    assert model.feature_importances_[0] > 10 * abs(model.feature_importances_[1])
    assert "when  date, days since 1970 and phases of year, week, scaled" in model.summary()


def test_dates_that_are_of_another_year_in_utc():
    """Python has no date after the year 9999 or before 1."""
    encoder = encoded(pd.DataFrame({"day": DAYS[:60].to_pydatetime()}, dtype=object))[1]
    times = [
        when.replace(tzinfo=datetime.timezone(datetime.timedelta(hours=hours)))
        for hours, when in (
            (-12, datetime.datetime(9999, 12, 31, 18)),
            (12, datetime.datetime(1, 1, 1, 6)),
        )
    ]
    found = encoder.encode(pd.DataFrame({"day": times}, dtype=object))[:, 0]
    np.testing.assert_array_equal(found, [2932897.25, -719162.25])
