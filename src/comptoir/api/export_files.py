"""Files that lines are exported to: CSV in the published layouts, JSON lines in gzip, Parquet."""

import csv
import hashlib
import io
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from importlib import import_module
from operator import attrgetter
from pathlib import Path
from typing import Any, Protocol

from msgspec import Raw, Struct, structs

from comptoir.api.export_lines import GzipLines

PARQUET_ROWS = 50_000
"""How many rows stand together in a Parquet file."""

DECIMAL_DIGITS = 38
DECIMAL_SCALE = 20


@dataclass(frozen=True, slots=True)
class Written:
    """A file that is finished and on the disk."""

    rows: int
    size: int
    sha256: str


class File(Protocol):
    """A file that grows by rows, which are structs of one kind."""

    def write(self, items: Sequence[Struct]) -> None: ...

    def close(self) -> Written: ...

    def abandon(self) -> None:
        """Let go of a file that is not finished; of one that is, do nothing."""


class JsonLinesFile:
    """One JSON object a line, named as on the wire, in gzip."""

    suffix = "json.gz"

    def __init__(self, path: Path) -> None:
        self._lines = GzipLines(path)

    def write(self, items: Sequence[Struct]) -> None:
        self._lines.write(items)

    def close(self) -> Written:
        self._lines.close()
        return Written(self._lines.rows, self._lines.size, self._lines.sha256)

    def abandon(self) -> None:
        self._lines.abandon()


class CsvFile:
    """One row a line under the titles of a layout; dates in UTC, numbers without exponents."""

    suffix = "csv"

    def __init__(self, path: Path, layout: Mapping[str, str], kind: type[Struct]) -> None:
        types = {each.name: each.type for each in structs.fields(kind)}
        members = list(layout.values())
        self._members = attrgetter(*members)
        self._dates = [place for place, name in enumerate(members) if types[name] is datetime]
        self._numbers = [place for place, name in enumerate(members) if types[name] is Decimal]
        plain = {datetime, Decimal, str, int, bool}
        self._lists = [place for place, name in enumerate(members) if types[name] not in plain]
        self._file = path.open("wb")
        self._digest = hashlib.sha256()
        self._rows = self._size = 0
        self._put([list(layout)])

    def write(self, items: Sequence[Struct]) -> None:
        texts = _Dates()
        rows = []
        for item in items:
            row: list[Any] = list(self._members(item))
            for place in self._dates:
                row[place] = texts[row[place]]
            for place in self._numbers:
                if type(row[place]) is Raw:
                    row[place] = bytes(row[place]).decode()
            for place in self._lists:
                row[place] = ",".join(row[place])
            rows.append(row)
        self._rows += len(rows)
        self._put(rows)

    def close(self) -> Written:
        _make_durable(self._file)
        return Written(self._rows, self._size, self._digest.hexdigest())

    def abandon(self) -> None:
        self._file.close()

    def _put(self, rows: Sequence[Sequence[Any]]) -> None:
        text = io.StringIO()
        csv.writer(text).writerows(rows)
        data = text.getvalue().encode()
        self._digest.update(data)
        self._size += len(data)
        self._file.write(data)


class ParquetFile:
    """Columns named as on the wire; numbers are exact decimals. Raises ``ModuleNotFoundError``."""

    suffix = "parquet"

    def __init__(self, path: Path, kind: type[Struct]) -> None:
        pyarrow = import_module("pyarrow")
        parquet = import_module("pyarrow.parquet")
        self._arrow: Any = pyarrow
        known = [each for each in structs.fields(kind) if each.name != "attributes"]
        self._names = [each.name for each in known]
        self._numbers = {each.name for each in known if each.type is Decimal}
        self._schema = pyarrow.schema([(each.encode_name, self._type_of(each.type)) for each in known])
        self._path = path
        self._writer: Any = parquet.ParquetWriter(path, self._schema, compression="zstd")
        self._waiting: list[Any] = []
        self._rows = self._waiting_rows = 0

    def write(self, items: Sequence[Struct]) -> None:
        columns = [self._column(name, items) for name in self._names]
        arrays = [
            self._arrow.array(values, type=field.type)
            for values, field in zip(columns, self._schema, strict=True)
        ]
        self._waiting.append(self._arrow.record_batch(arrays, schema=self._schema))
        self._waiting_rows += len(items)
        self._rows += len(items)
        if self._waiting_rows >= PARQUET_ROWS:
            self._flush()

    def close(self) -> Written:
        if self._waiting:
            self._flush()
        self._writer.close()
        with self._path.open("rb+") as file:
            digest = hashlib.file_digest(file, "sha256")
            os.fsync(file.fileno())
        return Written(self._rows, self._path.stat().st_size, digest.hexdigest())

    def abandon(self) -> None:
        self._writer.close()

    def _flush(self) -> None:
        self._writer.write_table(self._arrow.Table.from_batches(self._waiting))
        self._waiting, self._waiting_rows = [], 0

    def _column(self, name: str, items: Sequence[Struct]) -> list[Any]:
        values = [getattr(item, name) for item in items]
        if name not in self._numbers:
            return values
        return [Decimal(bytes(value).decode()) if type(value) is Raw else value for value in values]

    def _type_of(self, kind: Any) -> Any:
        arrow = self._arrow
        known = {
            str: arrow.string(),
            int: arrow.int64(),
            bool: arrow.bool_(),
            Decimal: arrow.decimal128(DECIMAL_DIGITS, DECIMAL_SCALE),
            datetime: arrow.timestamp("us", tz="UTC"),
        }
        return known.get(kind) or arrow.list_(arrow.string())


class _Dates(dict[datetime, str]):
    """Dates as texts, each made once."""

    def __missing__(self, date: datetime) -> str:
        made = self[date] = date.isoformat().replace("+00:00", "Z")
        return made


def _make_durable(file: Any) -> None:
    file.flush()
    os.fsync(file.fileno())
    file.close()
