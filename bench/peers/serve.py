"""The contender's side of bench/harness/contender.ts in Python: requests and answers are lines of JSON."""
import json
import sys
import traceback


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
