"""wangge batch locate: a file of positions of any size, grid by grid code, in a memory that does not grow with it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gis_api.commands.database import opened_database

if TYPE_CHECKING:
    import pyarrow as pa

    from gis_api.fast_locate.batch import Batch
    from layers.locating import Atlas

# Rows that are located at a time: some 20 MB with the answer, and long enough for the vectorised index.
ROWS = 200_000
ADDED = ("grid", "sub_grid", "relation")


def register(app: typer.Typer) -> None:
    """Add `wangge batch …`."""
    batches = typer.Typer(help="Questions about whole files.", no_args_is_help=True)
    batches.callback()(lambda: None)
    batches.command("locate")(locate)
    app.add_typer(batches, name="batch")


def locate(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="CSV (.csv, .csv.gz) or Parquet.")],
    lon: Annotated[str, typer.Option(help="The column of longitudes.")],
    lat: Annotated[str, typer.Option(help="The column of latitudes.")],
    out: Annotated[Path, typer.Option(help="Where to write, CSV or Parquet by its ending.")],
    datum: Annotated[str, typer.Option(help="wgs84 cgcs2000 gcj02 bd09")] = "wgs84",
) -> None:
    """Write the file again with the grid, the sub-grid and the relation of each row; bad positions are `refused`."""
    from rich.progress import Progress, TextColumn, TimeElapsedColumn
    from sqlalchemy.orm import Session

    from layers.locating import load_atlas

    with opened_database() as engine, Session(engine) as session:
        atlas = load_atlas(session)
    counts: dict[str, int] = {}
    columns = (TextColumn("{task.description}"), TextColumn("{task.completed:,} rows"), TimeElapsedColumn())
    with _told_in_a_line(), Progress(*columns) as progress, _writing(out) as write:
        task = progress.add_task("locating", total=None)
        for table in _batches(file, needed=(lon, lat)):
            batch = _located(atlas, table, names=(lon, lat), datum=datum)
            _count(batch, counts)
            write(_with_answer(table, batch))
            progress.advance(task, table.num_rows)
    for relation, number in sorted(counts.items()):
        print(f"{relation}\t{number}")


@contextmanager
def _told_in_a_line() -> Iterator[None]:
    """What cannot be read or written, told as a fault of the question: which file, which row, what stands there."""
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowException, OSError) as wrong:
        raise typer.BadParameter(" ".join(str(wrong).split())) from wrong


def _batches(file: Path, *, needed: tuple[str, str]) -> Iterator[pa.Table]:
    """The file's rows, a table of at most ROWS at a time; names the columns there are where one is missing."""
    import pyarrow as pa
    import pyarrow.csv
    import pyarrow.parquet

    if file.suffix == ".parquet":
        source = pyarrow.parquet.ParquetFile(file)
        names, batches = source.schema_arrow.names, source.iter_batches(batch_size=ROWS)
    else:
        # Only the positions are read as numbers: codes such as 0012 must come out as they went in.
        first = pyarrow.csv.open_csv(file, read_options=pyarrow.csv.ReadOptions(block_size=1 << 20)).schema.names
        kinds = {name: pa.float64() if name in needed else pa.string() for name in first}
        nothing = pyarrow.csv.ConvertOptions(column_types=kinds, strings_can_be_null=False)
        blocks = pyarrow.csv.ReadOptions(block_size=1 << 24)
        batches = pyarrow.csv.open_csv(file, read_options=blocks, convert_options=nothing)
        names = first
    for name in needed:
        if name not in names:
            raise typer.BadParameter(f"there is no column {name!r}; the file has {', '.join(names)}")
    for batch in batches:
        yield pa.Table.from_batches([batch])


def _located(atlas: Atlas, table: pa.Table, *, names: tuple[str, str], datum: str) -> Batch:
    from datetime import UTC, datetime

    import numpy as np
    import pyarrow as pa

    from gis_api.fast_locate.batch import Batch, Points
    from layers.access import service_actor

    lon, lat = (
        np.ascontiguousarray(table.column(name).combine_chunks().cast(pa.float64()).to_numpy(zero_copy_only=False))
        for name in names
    )
    page = atlas.page(datetime.now(UTC))
    return Batch.of(
        Points(lon, lat, datum), service_actor("wangge batch"), page=page, bounds=atlas.bounds, partial=True
    )


def _count(batch: Batch, counts: dict[str, int]) -> None:
    for pair in batch.columns()["relation"].value_counts():
        word = pair["values"].as_py()
        counts[word] = counts.get(word, 0) + pair["counts"].as_py()


def _with_answer(table: pa.Table, batch: Batch) -> pa.Table:
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
