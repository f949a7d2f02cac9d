"""
Observers of waits, ready to use: for logging, structlog, Prometheus and OpenTelemetry.

Each is a module of its own, and needs no other: `bide.instrumentation.logging` needs the standard library
only, `structlog`, `prometheus` and `opentelemetry` need the extra of the same name. Give what they make to a
poller or a client as one of its `observers`. None of them ever shows a job's result, an answer's body, or the
words of a failure, which may quote one; a failure is named by its kind.
"""
