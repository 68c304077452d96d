#!/usr/bin/env python3
"""Times weir against DuckDB, Polars and DataFusion on the same CSV file: TPC-H lineitem.

One command does all of it: it builds weir, installs the others into target/bench-venv, generates the file, checks
that all engines give the same answers, and prints CPU seconds, wall seconds and peak memory with their ratios.

Every query runs in a new process, in turns (A B C D A B C D ...), so that a slow moment of the machine meets all; the
minimum counts. DataFusion is weir with pushdown off. DuckDB and Polars run in more than one form, and the faster one
counts. For them only the query is timed, without starting Python and importing the library; for weir and DataFusion
it is the whole process, program loading included, so what unfairness there is, is against weir.
"""

import argparse
import json
import os
import pathlib
import platform
import re
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
# Where cargo puts it, too.
TARGET = ROOT / os.environ.get("CARGO_TARGET_DIR", "target")
VENV = TARGET / "bench-venv"

# Floating point sums depend on the order of addition, and weir's are exact.
TOLERANCE = 1e-9

# {lineitem} is the file in the words of each engine. Each column has a name and each answer one order.
QUERIES = {
    # Queries that weir is made for ...
    "Q6": """SELECT sum(l_extendedprice * l_discount) AS revenue FROM {lineitem}
        WHERE l_shipdate >= DATE '1994-01-01' AND l_shipdate < DATE '1995-01-01'
          AND l_discount BETWEEN 0.05 AND 0.07 AND l_quantity < 24""",
    "Q1": """SELECT l_returnflag, l_linestatus, sum(l_quantity) AS sum_qty, sum(l_extendedprice) AS sum_base_price,
          sum(l_extendedprice * (1 - l_discount)) AS sum_disc_price,
          sum(l_extendedprice * (1 - l_discount) * (1 + l_tax)) AS sum_charge, avg(l_quantity) AS avg_qty,
          avg(l_extendedprice) AS avg_price, avg(l_discount) AS avg_disc, count(*) AS count_order
        FROM {lineitem} WHERE l_shipdate <= DATE '1998-09-02'
        GROUP BY l_returnflag, l_linestatus ORDER BY l_returnflag, l_linestatus""",
    "count": "SELECT count(*) AS n FROM {lineitem}",
    "string equality": """SELECT count(*) AS n, sum(l_quantity) AS quantity FROM {lineitem}
        WHERE l_shipmode = 'AIR'""",
    "few records": "SELECT * FROM {lineitem} WHERE l_orderkey = 32003 ORDER BY l_linenumber",
    # ... and queries where the kernel can do little, or nothing at all.
    "half the records": "SELECT count(*) AS n, max(l_comment) AS comment FROM {lineitem} WHERE l_quantity <= 25",
    "many groups": """SELECT l_orderkey, sum(l_quantity) AS quantity FROM {lineitem}
        GROUP BY l_orderkey ORDER BY quantity DESC, l_orderkey LIMIT 5""",
    "count distinct": "SELECT count(DISTINCT l_partkey) AS n FROM {lineitem}",
    "like": "SELECT count(*) AS n FROM {lineitem} WHERE l_comment LIKE '%special%requests%'",
    "top": """SELECT l_orderkey, l_linenumber, l_extendedprice FROM {lineitem}
        ORDER BY l_extendedprice DESC, l_orderkey, l_linenumber LIMIT 10""",
}

# Engines, weir first, and the forms that each is tried in: weir.pushdown, or what query.py makes of it.
ENGINES = {
    "weir": ["auto"],
    "DuckDB": ["inferred", "declared"],
    "Polars": ["in-memory", "streaming"],
    "DataFusion": ["off"],
}
MEASURES = {
    "cpu": "CPU seconds, user and system",
    "wall": "wall seconds",
    "memory": "peak memory of the process in MB",
}


def main():
    arguments = parse_arguments()
    weir = pathlib.Path(arguments.weir) if arguments.weir else build()
    install()
    file = generate(weir, arguments.scale)
    read(file)
    load = os.getloadavg()[0]
    print(f"{describe_machine()}\nload average before: {load:.2f}{' (not a quiet machine)' if load > 0.5 else ''}")

    versions, results, kernel = {"weir": version_of(weir)}, {}, {}
    for name in arguments.queries:
        kernel[name] = runs_in_kernel(weir, file, QUERIES[name])
        results[name] = measure(weir, file, QUERIES[name], arguments, versions)
        times = [f"{engine} {best['cpu']:.3f} s ({best['form']})" for engine, best in results[name].items()]
        print(f"  {name}: {', '.join(times)}", flush=True)
    print("\n" + report(file, arguments, versions, results, kernel))


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=float, default=1, help="TPC-H scale factor [1 is 766 MB]")
    parser.add_argument("--runs", type=int, default=5, help="of which the minimum counts [5]")
    parser.add_argument("--threads", type=int, default=1, help="of every engine [1]")
    parser.add_argument("--queries", nargs="+", choices=QUERIES, default=list(QUERIES), metavar="NAME",
                        help=f"some of: {', '.join(QUERIES)} [all]")
    parser.add_argument("--markdown", action="store_true", help="print the tables as markdown")
    parser.add_argument("--weir", metavar="PATH", help="time this binary instead of building one")
    return parser.parse_args()


def build():
    subprocess.run(["cargo", "build", "--release", "-p", "weir"], cwd=ROOT, check=True)
    return TARGET / "release" / "weir"


def install():
    python = VENV / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", VENV], check=True)
    if subprocess.run([python, "-c", "import duckdb, polars"], stderr=subprocess.DEVNULL).returncode != 0:
        subprocess.run([python, "-m", "pip", "install", "--quiet", "duckdb", "polars"], check=True)


def generate(weir, scale):
    command = [weir, "demo", "--generate-only", "--scale", f"{scale:g}"]
    return output_of(command).strip()


def read(file):
    """Brings the file into the page cache."""
    with open(file, "rb", buffering=0) as stream:
        while stream.read(1 << 20):
            pass


def measure(weir, file, sql, arguments, versions):
    """The best of each engine, with all answers checked against weir's."""
    turns = [(engine, form) for engine, forms in ENGINES.items() for form in forms]
    best, answer = {}, None
    for _ in range(arguments.runs):
        for engine, form in turns:
            result = run(weir, file, sql, arguments.threads, engine, form)
            versions.setdefault(engine, result["version"])
            answer = result["rows"] if answer is None else answer
            if not agree(answer, result["rows"]):
                sys.exit(f"answers differ: {sql}\nweir: {answer}\n{engine} ({form}): {result['rows']}")
            kept = best.setdefault((engine, form), {**result, "form": form})
            kept["cpu"] = min(kept["cpu"], result["cpu"])
            kept["wall"] = min(kept["wall"], result["wall"])
            kept["memory"] = max(kept["memory"], result["memory"])
    decisive = "cpu" if arguments.threads == 1 else "wall"
    return {
        engine: min((best[engine, form] for form in forms), key=lambda result: result[decisive])
        for engine, forms in ENGINES.items()
    }


def run(weir, file, sql, threads, engine, form):
    """One query in a process of its own: its rows and what it took."""
    python = engine in ("DuckDB", "Polars")
    if python:
        request = {"engine": engine.lower(), "form": form, "sql": sql, "file": file, "threads": threads}
        command = [VENV / "bin" / "python", ROOT / "benches" / "query.py", json.dumps(request)]
    else:
        command = weir_command(weir, file, sql, threads, form, "json")
    start = time.perf_counter()
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    output = child.stdout.read()
    _, status, usage = os.wait4(child.pid, 0)
    wall = time.perf_counter() - start
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        sys.exit(f"{engine} ({form}) failed with {child.returncode}: {sql}")
    result = json.loads(output)
    if not python:
        rows = [list(row.values()) for row in result]
        result = {"version": None, "rows": rows, "cpu": usage.ru_utime + usage.ru_stime, "wall": wall}
    return {**result, "memory": usage.ru_maxrss / 1000}


def weir_command(weir, file, sql, threads, pushdown, output):
    sql = sql.format(lineitem=f"'{file}'")
    return [weir, "--threads", str(threads), "--pushdown", pushdown, "--format", output, "-c", sql]


def runs_in_kernel(weir, file, sql):
    command = weir_command(weir, file, f"EXPLAIN {sql}", 1, "auto", "csv")
    return "KernelFilterReduceExec" in output_of(command)


def agree(one, other):
    """Lists of rows, or rows, or values."""
    if isinstance(one, list):
        return isinstance(other, list) and len(one) == len(other) and all(map(agree, one, other))
    if isinstance(one, (int, float)) and isinstance(other, (int, float)):
        return abs(one - other) <= TOLERANCE * max(abs(one), abs(other))
    return one == other


def report(file, arguments, versions, results, kernel):
    versions["DataFusion"] = datafusion_version()
    lines = [
        f"TPC-H lineitem at scale {arguments.scale:g}, {os.path.getsize(file) / 1e6:.0f} MB of CSV in the page cache; "
        f"{arguments.threads} thread{'s' if arguments.threads > 1 else ''}; minimum of {arguments.runs}, interleaved; "
        "in brackets how many times weir's. "
        + ", ".join(f"{engine} {version}" for engine, version in versions.items()) + ". "
        "weir and DataFusion: the whole process; DuckDB and Polars: the query without start-up and import, "
        "the faster of two forms (memory: the whole process).",
    ]
    for measure, title in MEASURES.items():
        rows = [[title, *ENGINES]]
        for name, result in results.items():
            digits = ".0f" if measure == "memory" else ".3f"
            ours, *others = (result[engine][measure] for engine in ENGINES)
            ratios = [f"{other:{digits}} ({other / ours:.1f}x)" for other in others]
            rows.append([name if kernel[name] else f"{name} †", f"{ours:{digits}}", *ratios])
        lines.append(table(rows, arguments.markdown))
    if not all(kernel.values()):
        lines.append("† nothing of the query runs in the kernel: weir is DataFusion there.")
    losses = [name for name, result in results.items() if min(result, key=lambda e: result[e]["cpu"]) != "weir"]
    lines.append(f"weir does not take the least CPU in: {', '.join(losses) or 'none of them'}.")
    return "\n\n".join(lines)


def table(rows, markdown):
    """The first column is text, the others are numbers."""
    first, *rest = (max(map(len, column)) for column in zip(*rows))
    lines = [[row[0].ljust(first), *map(str.rjust, row[1:], rest)] for row in rows]
    if not markdown:
        return "\n".join("  ".join(line) for line in lines)
    lines.insert(1, ["-" * first, *("-" * (width - 1) + ":" for width in rest)])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def output_of(command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def describe_machine():
    models = re.findall(r"^model name\s*: (.*)$", pathlib.Path("/proc/cpuinfo").read_text(), re.M)
    return f"{models[0] if models else platform.machine()}, {os.cpu_count()} processors, kernel {platform.release()}"


def version_of(weir):
    return output_of([weir, "--version"]).split()[-1]


def datafusion_version():
    lock = (ROOT / "Cargo.lock").read_text()
    return re.search(r'name = "datafusion"\nversion = "(.*)"', lock)[1]


main()
