"""The contender's side of bench/harness/contender.ts in Python: requests and answers are lines of JSON."""
import json
import sys
import time
import traceback


def turn(seconds, work):
    """Milliseconds of repetitions, one after the other, until so many seconds have passed."""
    times, start = [], time.perf_counter()
    while not times or time.perf_counter() - start < seconds:
        before = time.perf_counter()
        work()
        times.append((time.perf_counter() - before) * 1e3)
    return times


def serve(methods):
    answers = sys.stdout
    sys.stdout = sys.stderr  # what libraries print must not be taken for an answer
    for line in sys.stdin:
        request = json.loads(line)
        try:
            message = {"answer": methods[request["method"]](**request["params"])}
        except Exception:
            message = {"error": traceback.format_exc()}
        answers.write(json.dumps(message) + "\n")
        answers.flush()
