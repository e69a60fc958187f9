#!/usr/bin/env python3
"""What messages and handovers cost on AWS, with the arithmetic, from what `run.py` counted. Prints Markdown.

    python3 tests/bench/aws/run.py     # counts, into target/bench-aws/counts.json
    python3 tests/bench/aws/price.py

Counted: invocations, CPU time, AWS calls with the sizes of their items, bytes. Assumed: how long AWS, RCE and the bot
take to answer, and the traffic; each assumption is an option and is printed.
"""

import argparse
import json
import math
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
COUNTS = ROOT / "target" / "bench-aws" / "counts.json"

PRICES_OF = "AWS's public price pages, N. Virginia (us-east-1), 2025 to 2026, without free tier or discounts"
HTTP_API = 1.00  # $ per million requests of at most 512 KB
LAMBDA_REQUEST = 0.20  # $ per million
GB_SECOND = {"arm64": 0.0000133334, "x86_64": 0.0000166667}
WRITE, READ = 0.625, 0.125  # $ per million units: 1 KB written; 4 KB read strongly consistently
FIFO = 0.50  # $ per million requests of at most 64 KB
LOGS, OUT = 0.50, 0.09  # $ per GB

MB_PER_CORE = 1769
# Requests a minute to RCE's REST API and account: its limit, and what the bridge allows itself.
RCE_LIMIT, RCE_OURS = 500, 300
# API calls a second on a FIFO queue in high-throughput mode (Frankfurt, Ohio; Virginia, Oregon and Ireland: 70,000).
FIFO_CALLS = 19_000
# What else a new account allows at first.
LAMBDA_CONCURRENCY, TABLE_UNITS = 1_000, 40_000

TITLES = {
    "agent_message": ("a million agents' messages, RCE → bot", 1_000_000),
    "person_message": ("a million people's messages, bot → RCE", 1_000_000),
    "queue_update": ("a million changes of a place in the queue", 1_000_000),
    "watched_queue_update": ("the same with one more subscriber than the bot", 1_000_000),
    "handover": ("1,000 handovers, from request to end, without the messages in between", 1_000),
}


def main():
    arguments = parse()
    operations = read(arguments.counts)
    print(f"Prices: {PRICES_OF}. Counts: {arguments.counts.name} of {operations.pop('date')}.")
    print(
        f"Assumed: {arguments.architecture} at {arguments.memory} MB; DynamoDB and SQS answer in {arguments.aws_ms:g} ms, "
        f"the bot in {arguments.bot_ms:g} ms, RCE in {arguments.rce_ms:g} ms; {arguments.batch:g} message(s) in a batch "
        f"from SQS; {arguments.access_log} bytes of access log for a request; "
        f"{arguments.platform_log} bytes of Lambda's own log for an invocation."
    )
    totals = {name: price(name, functions, arguments) for name, functions in operations.items()}
    summary(totals)
    capacity(operations, totals, arguments)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--counts", type=Path, default=COUNTS, help="what run.py wrote (target/bench-aws/counts.json)"
    )
    parser.add_argument("--architecture", choices=GB_SECOND, default="arm64")
    parser.add_argument("--memory", type=int, default=256, help="of each function, in MB (256)")
    parser.add_argument("--aws-ms", type=float, default=5, help="answer time of DynamoDB and SQS (5)")
    parser.add_argument("--bot-ms", type=float, default=60, help="answer time of the bot (60)")
    parser.add_argument("--rce-ms", type=float, default=150, help="answer time of RCE (150)")
    parser.add_argument("--batch", type=float, default=1, help="messages that Lambda receives together (1)")
    parser.add_argument(
        "--access-log", type=int, default=250, help="bytes of API Gateway's log for a request (250)"
    )
    parser.add_argument(
        "--platform-log",
        type=int,
        default=0,
        help="bytes of Lambda's own log for an invocation (0: level WARN; else about 340)",
    )
    parser.add_argument(
        "--conversations", type=int, default=1_000_000, help="that come to an agent, a day (1,000,000)"
    )
    parser.add_argument("--agent-messages", type=float, default=8, help="in a conversation (8)")
    parser.add_argument("--person-messages", type=float, default=8, help="in a conversation (8)")
    parser.add_argument("--queue-updates", type=float, default=5, help="in a conversation (5)")
    parser.add_argument("--peak", type=float, default=3, help="the busiest minute beside the average (3)")
    return parser.parse_args()


def read(path: Path) -> dict:
    try:
        counted = json.loads(path.read_text())
        return {"date": counted["date"], **{name: counted["operations"][name] for name in TITLES}}
    except FileNotFoundError:
        sys.exit(f"{path} is not there: run tests/bench/aws/run.py first, or name a file (--counts)")
    except (KeyError, json.JSONDecodeError) as error:
        sys.exit(f"{path} is not what run.py writes ({type(error).__name__}: {error}): run it again")


# ---- prices ----


class Bill:
    """Lines that add up. Amounts and prices are for one operation and for a million."""

    def __init__(self, operations: int):
        self.operations = operations
        self.rows: list[list[str]] = []
        self.total = 0.0

    def add(self, what: str, amount: float, unit: str, dollars_per_million: float):
        """`amount` for one operation, of something of which a million costs so much."""
        if amount == 0:
            return
        dollars = amount * dollars_per_million * self.operations / 1e6
        self.total += dollars
        price = (
            f"${dollars_per_million:.4g} a million"
            if unit != "MB"
            else f"${dollars_per_million / 1e3:.2f} a GB"
        )
        self.rows.append([what, f"{amount:.4g} {unit}".strip(), price, f"{dollars:.3f}"])


def price(name: str, functions: dict, arguments) -> float:
    title, count = TITLES[name]
    bill = Bill(count)
    bill.add("HTTP API", total(functions, "HTTP requests"), "requests", HTTP_API)
    bill.add("Lambda, requests", invocations(functions, arguments), "", LAMBDA_REQUEST)
    for function, spent in functions.items():
        ms, explained = duration(spent, arguments)
        gb_seconds = ms / 1e3 * arguments.memory / 1024
        bill.add(f"`{function}`: {explained}", gb_seconds, "GB-s", GB_SECOND[arguments.architecture] * 1e6)
    bill.add("DynamoDB, written (items and index, transactions double)", writes(functions), "units", WRITE)
    bill.add("DynamoDB, read", total(functions, "read units"), "units", READ)
    received = total(functions, "received")
    bill.add("SQS, sent and put back", total(functions, "queue requests"), "requests", FIFO)
    bill.add("SQS, received and deleted by Lambda", 2 * received / arguments.batch, "requests", FIFO)
    log = total(functions, "log bytes") + arguments.access_log * total(functions, "HTTP requests")
    log += arguments.platform_log * invocations(functions, arguments)
    bill.add("logs", log / 1e6, "MB", LOGS * 1e3)
    bill.add("out to the internet", total(functions, "bytes out") / 1e6, "MB", OUT * 1e3)
    print(f"\n### {title[0].upper()}{title[1:]}: ${bill.total:.2f}\n")
    table(
        ["", "for one", "price", f"$ for {count:,}"],
        [*bill.rows, ["**sum**", "", "", f"**{bill.total:.2f}**"]],
    )
    return bill.total


def total(functions: dict, what: str) -> float:
    return sum(spent.get(what, 0) for spent in functions.values())


def writes(functions: dict) -> float:
    return total(functions, "write units") + total(functions, "index write units")


def invocations(functions: dict, arguments) -> float:
    return sum(
        spent["invocations"] / (arguments.batch if spent.get("received") else 1)
        for spent in functions.values()
    )


def waits(spent: dict) -> tuple[float, float, float]:
    """How often a function waits for AWS, the bot and RCE. One after another: the worst case."""
    aws = sum(n for what, n in spent.items() if what.split()[0] in ("DynamoDB", "SQS"))
    return aws, spent.get("bot calls", 0), spent.get("Send API calls", 0) + spent.get("REST calls", 0)


def duration(spent: dict, arguments) -> tuple[float, str]:
    """Billed time of a function for one operation. What was CPU time on a full core takes longer on a share of one."""
    slower = max(1, MB_PER_CORE / arguments.memory)
    aws, bot, rce = waits(spent)
    ms = spent["cpu ms"] * slower + aws * arguments.aws_ms + bot * arguments.bot_ms + rce * arguments.rce_ms
    parts = [f"{spent['cpu ms']:.2f} ms of CPU × {slower:.1f}"]
    for times, each in ((aws, arguments.aws_ms), (bot, arguments.bot_ms), (rce, arguments.rce_ms)):
        if times:
            parts.append(f"{times:.3g} × {each:g} ms")
    return ms, f"{' + '.join(parts)} = {ms:.1f} ms"


def summary(totals: dict[str, float]):
    print("\n### In short\n")
    table(["", "$"], [[TITLES[name][0], f"**{dollars:.2f}**"] for name, dollars in totals.items()])


# ---- a busy day ----


def capacity(operations: dict, totals: dict[str, float], arguments):
    each = {
        "agent_message": arguments.agent_messages,
        "person_message": arguments.person_messages,
        "queue_update": arguments.queue_updates,
        "watched_queue_update": 0,
        "handover": 1,
    }
    per_second = arguments.conversations / 86_400 * arguments.peak
    print(f"\n### {arguments.conversations:,} conversations a day that come to an agent\n")
    print(
        f"Assumed for each: {arguments.agent_messages:g} agents' and {arguments.person_messages:g} people's messages, "
        f"{arguments.queue_updates:g} changes of its place, one handover; the busiest minute is {arguments.peak:g} times the "
        f"average: {per_second:.1f} handovers a second.\n"
    )

    def peak(count) -> float:
        """What is counted for one operation, in the busiest second."""
        return per_second * sum(count(functions) * each[name] for name, functions in operations.items())

    concurrency: dict[str, float] = {}
    for name, functions in operations.items():
        for function, spent in functions.items():
            ms, _ = duration(spent, arguments)
            concurrency[function] = concurrency.get(function, 0) + per_second * each[name] * ms / 1e3
    rows = [
        [f"`{function}`, at the same time", f"{amount:.1f}", ""] for function, amount in concurrency.items()
    ]
    allowed = f"{LAMBDA_CONCURRENCY:,} (a new account, can be raised)"
    rows.append(["all functions, at the same time", f"{sum(concurrency.values()):.0f}", allowed])
    allowed = f"{TABLE_UNITS:,} (on demand, can be raised)"
    rows.append(["table, write units a second", f"{peak(writes):,.0f}", allowed])
    rows.append(
        [
            "table, read units a second",
            f"{peak(lambda functions: total(functions, 'read units')):,.0f}",
            allowed,
        ]
    )
    calls = peak(
        lambda functions: (
            total(functions, "queue requests") + 2 * total(functions, "received") / arguments.batch
        )
    )
    rows.append(
        ["all queues, requests a second", f"{calls:,.0f}", f"{FIFO_CALLS:,} for each queue and action"]
    )
    rest = total(operations["handover"], "REST calls")
    rows.append(
        [
            "RCE's REST API, requests a minute",
            f"{per_second * 60 * rest:,.0f}",
            f"{RCE_OURS} of {RCE_LIMIT} an account",
        ]
    )
    table(["in the busiest minute", "needed", "there is"], rows)

    day = sum(totals[name] / TITLES[name][1] * each[name] for name in totals) * arguments.conversations
    print(f"Price of such a day: ${day:,.2f}; of one conversation ${day / arguments.conversations:.6f}.\n")
    if rest:
        most = RCE_OURS / rest
        a_day = math.floor(most * 60 * 24 / arguments.peak)
        accounts = math.ceil(per_second * 60 / most)
        print(
            f"The ceiling is RCE. Its REST API takes {RCE_LIMIT} requests a minute and account, of which the bridge uses at most "
            f"{RCE_OURS} in all functions together. A handover needs {rest:.3g} ({rest_by_function(operations['handover'])}), so one "
            f"account begins and ends at most {most:.0f} handovers a minute, {a_day:,} a day with such a peak; "
            f"{arguments.conversations:,} a day take {accounts} accounts. What is above waits in the queue and loses nothing. Messages "
            f"need no REST call ({total(operations['agent_message'], 'REST calls'):g} and "
            f"{total(operations['person_message'], 'REST calls'):g} counted)."
        )


def rest_by_function(functions: dict) -> str:
    counted = {name: spent["REST calls"] for name, spent in functions.items() if spent.get("REST calls")}
    return ", ".join(f"{n:.3g} by `{name}`" for name, n in counted.items())


def table(head: list[str], rows: list[list[str]]):
    for row in (head, ["---"] * len(head), *rows):
        print("| " + " | ".join(row) + " |")
    print()


if __name__ == "__main__":
    main()
