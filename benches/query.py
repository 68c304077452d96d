"""Runs one query in DuckDB or Polars: one request as JSON in argv[1], one answer as JSON on stdout.

It runs in a process of its own, in the virtual environment that compare.py makes. The times are those of the query
alone, from SQL text to rows: starting Python, importing the library and opening the database do not count.
"""

import json
import resource
import sys
import time

# lineitem as the form that declares its columns wants it. The others infer the same types.
TYPES = {
    "l_orderkey": "BIGINT", "l_partkey": "BIGINT", "l_suppkey": "BIGINT", "l_linenumber": "BIGINT",
    "l_quantity": "BIGINT", "l_extendedprice": "DOUBLE", "l_discount": "DOUBLE", "l_tax": "DOUBLE",
    "l_returnflag": "VARCHAR", "l_linestatus": "VARCHAR", "l_shipdate": "DATE", "l_commitdate": "DATE",
    "l_receiptdate": "DATE", "l_shipinstruct": "VARCHAR", "l_shipmode": "VARCHAR", "l_comment": "VARCHAR",
}


def duckdb(sql, file, threads, form):
    import duckdb

    connection = duckdb.connect()
    connection.execute(f"SET threads = {threads}")
    options = {"inferred": "", "declared": f", auto_detect = false, header = true, columns = {TYPES}"}
    sql = sql.format(lineitem=f"read_csv('{file}'{options[form]})")
    return duckdb.__version__, lambda: connection.execute(sql).fetchall()


def polars(sql, file, threads, form):
    import os

    # It reads this once, when it is imported.
    os.environ["POLARS_MAX_THREADS"] = str(threads)
    import polars

    def run():
        tables = polars.SQLContext(lineitem=polars.scan_csv(file, try_parse_dates=True))
        return tables.execute(sql.format(lineitem="lineitem")).collect(engine=form).rows()

    return polars.__version__, run


def main(engine, **request):
    version, run = {"duckdb": duckdb, "polars": polars}[engine](**request)
    before, start = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    rows = run()
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    json.dump({"version": version, "rows": rows, "cpu": cpu, "wall": wall}, sys.stdout, default=str)


main(**json.loads(sys.argv[1]))
