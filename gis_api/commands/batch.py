"""wangge batch locate: a file of positions of any size, grid by grid code, in a memory that does not grow with it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import accumulate, islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gis_api.commands.database import open_database
from gis_api.commands.speaking import say
from layers.moments import read_clock

if TYPE_CHECKING:
    import pyarrow as pa

    from gis_api.fast_locate.batch import Batch
    from layers.locating import Atlas

# What is located at a time, rows of Parquet and blocks of half a megabyte of text: some 20 MB with the answer, and long
# enough for the vectorised index.
ROWS = 200_000
BLOCKS = 20
ADDED = ("grid", "sub_grid", "relation")


def register(app: typer.Typer) -> None:
    """Add `wangge batch …`."""
    batches = typer.Typer(help="Questions about whole files.", no_args_is_help=True)
    batches.callback()(lambda: None)
    batches.command("locate")(locate)
    app.add_typer(batches, name="batch")


def locate(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="CSV (also packed with gzip) or Parquet.")],
    lon: Annotated[str, typer.Option(help="The column of longitudes.")],
    lat: Annotated[str, typer.Option(help="The column of latitudes.")],
    out: Annotated[Path, typer.Option(help="Where to write, CSV or Parquet by its ending.")],
    datum: Annotated[str | None, typer.Option(help="wgs84 cgcs2000 gcj02 bd09; asked for, never guessed.")] = None,
    encoding: Annotated[str | None, typer.Option(help="The encoding of the texts, where the file shows none.")] = None,
    district: Annotated[str | None, typer.Option(help="Ask the plan of this district only.")] = None,
) -> None:
    """Write the file again with the grid, the sub-grid and the relation of each row; bad positions are `refused`."""
    from rich.progress import Progress, TextColumn, TimeElapsedColumn

    from layers.db import reading
    from layers.locating import load_atlas

    datum = require_datum(datum)
    with open_database() as engine, reading(engine) as session:
        atlas = load_atlas(session, district=district)
    counts: dict[str, int] = {}
    columns = (TextColumn("{task.description}"), TextColumn("{task.completed:,} " + say("rows")), TimeElapsedColumn())
    with _report_in_a_line(), Progress(*columns) as progress, _writing(out) as write:
        task = progress.add_task(say("locating"), total=None)
        for table, broken in _batches(file, needed=(lon, lat), encoding=encoding):
            batch = _locate_rows(atlas, table, broken, names=(lon, lat), datum=datum)
            _count(batch, counts)
            write(_add_answer(table, batch))
            progress.advance(task, table.num_rows)
    for relation, number in sorted(counts.items()):
        print(f"{relation}\t{number}")


@contextmanager
def _report_in_a_line() -> Iterator[None]:
    """What cannot be read or written, told as a fault of the question: which file, which row, what stands there."""
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowException, OSError) as wrong:
        raise typer.BadParameter(" ".join(str(wrong).split())) from wrong


def require_datum(datum: str | None) -> str:
    """The datum that was said; raises Unacceptable where none was, as every other door does ([C1])."""
    from layers.errors import Unacceptable
    from tiling.datums import DATUMS

    if datum is None:
        raise Unacceptable("datum_missing")
    if datum not in DATUMS:
        raise Unacceptable("datum_unknown", datum=datum, known=", ".join(DATUMS))
    return datum


def _batches(file: Path, *, needed: tuple[str, str], encoding: str | None) -> Iterator[tuple[pa.Table, list[int]]]:
    """The file's rows, a table of at most ROWS at a time, and which of them could not be parsed.

    Names the columns there are where one is missing.
    """
    import pyarrow as pa
    import pyarrow.parquet

    if is_parquet(file):
        source = pyarrow.parquet.ParquetFile(file)
        _require(needed, source.schema_arrow.names)
        for batch in source.iter_batches(batch_size=ROWS):
            yield pa.Table.from_batches([batch]), []
        return
    from layers.files.delimited import open_delimited

    with open_delimited(file, asked=encoding) as table:
        _require(needed, table.names)
        blocks, first = table.blocks(), True
        # Texts as they were written: codes such as 0012 come out as they went in.
        while parts := list(islice(((pa.table(dict(block.columns)), block.faults) for block in blocks), BLOCKS)):
            texts = pa.concat_tables([part for part, _ in parts])
            if first:
                _require_numbers(needed, texts)
            first = False
            begins = accumulate((part.num_rows for part, _ in parts), initial=0)
            yield texts, [begin + at for begin, (_, faults) in zip(begins, parts, strict=False) for at in faults]


def is_parquet(file: Path) -> bool:
    """Whether a file is Parquet, by its content."""
    with file.open("rb") as content:
        return content.read(4) == b"PAR1"


def _require(needed: tuple[str, str], names: Sequence[str]) -> None:
    for name in needed:
        if name not in names:
            raise typer.BadParameter(
                say("there is no column {name}; the file has {columns}", name=repr(name), columns=", ".join(names))
            )


def _require_numbers(needed: tuple[str, str], table: pa.Table) -> None:
    """One bad cell refuses its row; a column without a single number is the wrong column."""
    import numpy as np

    from layers.files.cells import numbers_of

    for name in needed:
        column = table.column(name)
        filled = [text for text in column.to_pylist() if text.strip()]
        if filled and np.isnan(numbers_of(column)).all():
            told = "invalid value {value}: no row has a number in column {name}"
            raise typer.BadParameter(say(told, value=repr(filled[0]), name=repr(name)))


def _locate_rows(atlas: Atlas, table: pa.Table, broken: list[int], *, names: tuple[str, str], datum: str) -> Batch:

    import numpy as np

    from gis_api.fast_locate.batch import Batch, Points
    from layers.access import service_actor
    from layers.files.cells import numbers_of

    lon, lat = (np.array(numbers_of(table.column(name))) for name in names)
    # A row that cannot be parsed may have its cells in other columns: its position is nobody's.
    lon[broken] = np.nan
    page = atlas.page(read_clock())
    return Batch.of(
        Points(lon, lat, datum), service_actor("wangge batch"), page=page, bounds=atlas.bounds, partial=True
    )


def _count(batch: Batch, counts: dict[str, int]) -> None:
    for pair in batch.columns()["relation"].value_counts():
        word = pair["values"].as_py()
        counts[word] = counts.get(word, 0) + pair["counts"].as_py()


def _add_answer(table: pa.Table, batch: Batch) -> pa.Table:
    """The table with the three columns of the answer; columns of these names that were there are replaced."""
    for name, column in batch.columns().items():
        at = table.schema.get_field_index(name)
        plain = column.dictionary_decode()
        table = table.append_column(name, plain) if at < 0 else table.set_column(at, name, plain)
    return table


class _writing:  # noqa: N801 - used as a context manager, like open()
    """A function that writes tables to a CSV or Parquet file, closed at the end of the block."""

    def __init__(self, out: Path) -> None:
        self.out = out
        self.writer: Any = None

    def __enter__(self) -> _writing:
        return self

    def __call__(self, table: pa.Table) -> None:
        import pyarrow.csv
        import pyarrow.parquet

        if self.writer is None:
            opened = pyarrow.parquet.ParquetWriter if self.out.suffix == ".parquet" else pyarrow.csv.CSVWriter
            self.writer = opened(self.out, table.schema)
        self.writer.write_table(table)

    def __exit__(self, *_: object) -> None:
        if self.writer is not None:
            self.writer.close()
