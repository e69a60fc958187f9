#!/usr/bin/env python3
"""What the Lambda functions cost: start, warm invocation, memory, size. Prints Markdown tables.

    cargo lambda build --release -p source-sdk -p webhook-intake -p handover-requests \\
        -p agent-messages -p ringcx-delivery -p queue-updates
    cargo lambda build --release -p hello-lambda
    python3 tests/bench/aws/run.py

Needs Python 3.11, openssl, Node.js with npm (`--no-node` does without) and, for the figures at a share of the CPU, the
right to make control groups (root). Everything runs on this machine, over loopback.
"""

import argparse
import io
import json
import os
import platform
import sys
import zipfile
from contextlib import suppress
from datetime import date
from pathlib import Path
from statistics import median
from typing import NamedTuple

# Nothing beside the sources.
sys.dont_write_bytecode = True

import stage as stages
from lambda_runtime import MB_PER_CORE, CpuShare, FunctionError
from stage import FUNCTIONS, HELLO, NODE_HELLO, NODE_JOB, ROOT, WORKSHOP, Stage, check, install_node

# Budgets: initialisation and first event together at 128 MB; initialisation beside hello; memory; zipped size.
FIRST_ANSWER_MS, TIMES_HELLO, MEMORY_MIB, ZIP_MIB = 25, 3, 25, 5


def main():
    arguments = parse()
    # Other programs on this machine disturb less, where we may ask for that.
    with suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, -10)
    stage = Stage(arguments.bootstraps)
    if missing := stage.missing():
        names = "\n  ".join(str(path) for path in missing)
        sys.exit(
            f"not built:\n  {names}\nBuild them as this file's first lines say, or name their folder (--bootstraps)."
        )
    nodes = []
    if not arguments.no_node:
        install_node()
        nodes = [NODE_HELLO, NODE_JOB]
    memories = arguments.memory if can_hold() else []
    load = os.getloadavg()
    try:
        stage.prepare()
        names = [HELLO, *FUNCTIONS, *nodes]
        cold = measure_cold(stage, names, memories, arguments.starts)
        warm = {name: measure_warm(stage, name, arguments.events) for name in names}
        operations = {name: stage.measure(getattr(stage, name), arguments.operations) for name in OPERATIONS}
    except FunctionError as error:
        sys.exit(f"could not measure: {error}")
    finally:
        stage.stop()
    sizes = {name: size(stage.bootstrap(name)) for name in [HELLO, *FUNCTIONS]}
    save("counts.json", {"date": date.today().isoformat(), "operations": operations})
    save("figures.json", {"cold": cold, "warm": warm, "sizes": sizes, "load": load})
    print_conditions(arguments, load, bool(memories))
    print_cold(cold, memories)
    print_warm(warm, sizes)
    print_operations(operations)
    print_budgets(cold, warm, sizes)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    default = Path(os.environ.get("HANDOVER_BOOTSTRAPS", ROOT / "target" / "lambda"))
    parser.add_argument(
        "--bootstraps", type=Path, default=default, help="where NAME/bootstrap is (target/lambda)"
    )
    parser.add_argument("--starts", type=int, default=21, help="cold starts of each function and share (21)")
    parser.add_argument("--events", type=int, default=400, help="warm events of each function (400)")
    parser.add_argument("--operations", type=int, default=40, help="how often each operation is counted (40)")
    parser.add_argument(
        "--memory", type=int, nargs="*", default=[128], help="memory sizes whose CPU share to try (128)"
    )
    parser.add_argument("--no-node", action="store_true", help="leave the comparators in Node.js out")
    parser.add_argument(
        "--quick", action="store_true", help="few repetitions: whether it works, not how fast it is"
    )
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.starts, arguments.events, arguments.operations = 3, 40, 3
    return arguments


def can_hold() -> bool:
    """Whether a program can be held to a share of a core here."""
    try:
        CpuShare(128).close()
        return True
    except OSError as error:
        print(f"no figures at a memory size: cannot make a control group here ({error})", file=sys.stderr)
        return False


# ---- measuring ----


class Start(NamedTuple):
    """One cold start, in ms."""

    init: float
    first_event: float
    init_cpu: float
    cpu: float

    @property
    def answer(self) -> float:
        """From the start to the first answer."""
        return self.init + self.first_event


def measure_cold(stage: Stage, names: list[str], memories: list[int], starts: int) -> dict:
    """Function → memory size (0: a full core) → every start."""
    figures = {name: {memory: [] for memory in (0, *memories)} for name in names}
    # One start of each in turn, so that whatever else the machine does falls on all of them.
    for _ in range(starts):
        for name in names:
            for memory in (0, *memories):
                event = stage.event(name)
                with stage.start(name, memory or None) as function:
                    answer, ms = function.invoke(event)
                    check(function, answer)
                    start = Start(function.init_ms, ms, function.init_cpu_ms, function.cpu_ms())
                    figures[name][memory].append(start)
                stage.aws.take()
    return figures


def measure_warm(stage: Stage, name: str, events: int) -> dict:
    # Long enough for Node.js to have compiled what runs often.
    warm_up = events // 2
    prepared = [stage.event(name) for _ in range(warm_up + events)]
    times = []
    with stage.start(name) as function:
        for number, event in enumerate(prepared):
            if number == warm_up:
                stage.aws.take_counts()
                cpu = function.cpu_ms()
            answer, ms = function.invoke(event)
            check(function, answer)
            times.append(ms)
        cpu_us = (function.cpu_ms() - cpu) / events * 1e3
        peak = function.peak_mib()
        calls = stage.aws.take_counts()
    stage.aws.take()
    stage.outside.take_counts()
    times = sorted(times[warm_up:])
    return {
        "p50": times[len(times) // 2],
        "p99": times[len(times) * 99 // 100],
        "cpu_us": cpu_us,
        "peak_mib": peak,
        "aws_calls": sum(n for what, n in calls.items() if what.split()[0] in ("DynamoDB", "SQS", "SSM"))
        / events,
    }


def size(bootstrap: Path) -> dict:
    """Bytes of the program, and of the package that is deployed: zipped with a fixed time, so that equal programs
    give equal packages."""
    package = io.BytesIO()
    entry = zipfile.ZipInfo("bootstrap", (1980, 1, 1, 0, 0, 0))
    entry.external_attr = 0o755 << 16
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr(entry, bootstrap.read_bytes(), zipfile.ZIP_DEFLATED, compresslevel=9)
    return {"program": bootstrap.stat().st_size, "zip": len(package.getvalue())}


# ---- printing ----


def print_conditions(arguments, load, held: bool):
    processor = platform.processor() or platform.machine()
    with suppress(OSError, StopIteration):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        processor = next(line for line in lines if line.startswith("model name")).partition(":")[2].strip()
    before, after = (f"{load:.1f}" for load in (load[0], os.getloadavg()[0]))
    print(
        f"{date.today().isoformat()}, {os.cpu_count()} cores ({processor}), load average {before} before and {after} after "
        f"(this program alone makes about 1). {arguments.starts} starts of each, one of each in turn; "
        f"{arguments.events} warm events of each. AWS is a stand-in on loopback over TLS that answers at once, RCE and the "
        "bot another over HTTP. The events: an agent's message of 1 KiB (`source-sdk`, `agent-messages`), a person's of "
        "200 characters (`handover-requests`, `ringcx-delivery`), a webhook with one event, a place in the queue for one "
        "subscriber."
    )
    if arguments.quick:
        print("\n**`--quick`: too few repetitions to publish.**")
    if not held:
        print("\nNo figures at a share of the CPU: control groups cannot be used here.")
    print()


def print_cold(cold: dict, memories: list[int]):
    head = [
        "cold start, ms",
        "start → first poll",
        "times hello",
        "first event",
        "start → first answer",
        "CPU of it",
    ]
    for memory in memories:
        head += [f"first event, {memory} MB", f"start → first answer, {memory} MB"]
    reference = least(cold[HELLO][0])
    rows = []
    for name, figures in cold.items():
        full = figures[0]
        row = [label(name), spread([start.init for start in full])]
        row.append(f"{least(full) / reference:.1f}")
        row += [spread([start.first_event for start in full]), spread([start.answer for start in full])]
        row.append(f"{median(s.init_cpu for s in full):.1f} + {median(s.cpu - s.init_cpu for s in full):.1f}")
        for memory in memories:
            row += [
                spread([s.first_event for s in figures[memory]]),
                spread([s.answer for s in figures[memory]]),
            ]
        rows.append(row)
    table(head, rows)
    text = "Median (least – most). A full core where no memory size is named; the CPU before and after the first poll. "
    text += "Times hello: of the least, which other programs on the machine disturb least."
    if memories:
        text += f" With one: initialised at full speed, then held to that size's share of a core (memory / {MB_PER_CORE})."
    print(text + "\n")


def print_warm(warm: dict, sizes: dict):
    rows = []
    for name, figures in warm.items():
        sized = sizes.get(name)
        rows.append(
            [
                label(name),
                f"{figures['p50']:.2f}",
                f"{figures['p99']:.2f}",
                f"{figures['cpu_us']:.0f}",
                f"{figures['aws_calls']:.1f}",
                f"{figures['peak_mib']:.1f}",
                f"{sized['program'] / 2**20:.2f}" if sized else "",
                f"{sized['zip'] / 2**20:.2f}" if sized else "",
            ]
        )
    head = [
        "warm, full core",
        "p50 ms",
        "p99 ms",
        "CPU µs",
        "AWS calls",
        "peak MiB",
        "program MiB",
        "zipped MiB",
    ]
    table(head, rows)
    print("For one event. The time includes the stand-in's answers, the CPU is the function's alone.\n")


def print_operations(operations: dict):
    rows = []
    for name, functions in operations.items():
        total: dict[str, float] = {}
        for spent in functions.values():
            for what, amount in spent.items():
                total[what] = total.get(what, 0) + amount
        calls = [
            f"{n:g} {what}" for what, n in total.items() if what.split()[0] in ("DynamoDB", "SQS", "SSM")
        ]
        rows.append(
            [
                name.replace("_", " "),
                ", ".join(f"{spent['invocations']:g} {function}" for function, spent in functions.items()),
                ", ".join(calls),
                f"{total.get('read units', 0):g}",
                f"{total.get('write units', 0):g} + {total.get('index write units', 0):g}",
                ", ".join(
                    f"{total[what]:g} {what.removesuffix(' calls')}" for what in OUTSIDE if what in total
                ),
            ]
        )
    head = ["one operation", "invocations", "AWS calls", "read units", "write units + index", "calls outside"]
    table(head, rows)
    print(
        f"The handover brings a transcript of {stages.TRANSCRIPT} messages and is closed by the agent. SQS's own receive and",
        end=" ",
    )
    print("delete are not among the calls (Lambda makes them), but in the price.\n")


OPERATIONS = ("agent_message", "person_message", "queue_update", "watched_queue_update", "handover")
OUTSIDE = ("bot calls", "Send API calls", "REST calls")


def print_budgets(cold: dict, warm: dict, sizes: dict):
    def answer(name):
        return median(start.answer for start in cold[name][128])

    rows = []

    def budget(text: str, figures: dict[str, float], most: float, unit: str):
        worst = max(figures, key=figures.get)
        verdict = "met" if figures[worst] <= most else "**missed**"
        rows.append([text, f"{figures[worst]:.1f}{unit} (`{worst}`)", verdict])

    if all(128 in cold[name] for name in FUNCTIONS):
        text = f"start → first answer at 128 MB: at most {FIRST_ANSWER_MS} ms"
        budget(text, {name: answer(name) for name in FUNCTIONS}, FIRST_ANSWER_MS, " ms")
    text = f"start → first poll: at most {TIMES_HELLO} times hello"
    budget(
        text,
        {name: least(cold[name][0]) / least(cold[HELLO][0]) for name in FUNCTIONS},
        TIMES_HELLO,
        " times",
    )
    budget(
        f"memory: at most {MEMORY_MIB} MiB", {n: warm[n]["peak_mib"] for n in FUNCTIONS}, MEMORY_MIB, " MiB"
    )
    budget(f"zipped: at most {ZIP_MIB} MiB", {n: sizes[n]["zip"] / 2**20 for n in FUNCTIONS}, ZIP_MIB, " MiB")
    table(["budget", "worst function", ""], rows)


def least(starts: list[Start]) -> float:
    return min(start.init for start in starts)


def label(name: str) -> str:
    return f"`{name}`" if name in FUNCTIONS else name


def spread(figures: list[float]) -> str:
    digits = 0 if median(figures) >= 100 else 1
    return f"**{median(figures):.{digits}f}** ({min(figures):.{digits}f} – {max(figures):.{digits}f})"


def table(head: list[str], rows: list[list[str]]):
    for row in (head, ["---"] * len(head), *rows):
        print("| " + " | ".join(row) + " |")
    print()


def save(name: str, figures: dict):
    WORKSHOP.mkdir(parents=True, exist_ok=True)
    (WORKSHOP / name).write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
