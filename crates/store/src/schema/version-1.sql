-- Version 1.
--
-- Ids of traces, logs and points are given out in the order of arrival and never twice, so that a period of arrival is
-- a range of ids, and retention deletes ranges. Times are nanoseconds since 1970, as OTLP has them. Columns called
-- "message" hold a protobuf message of OTLP without the fields that have a column of their own. Unsigned 64-bit numbers
-- are kept as the signed ones of the same bits.

-- Spans of time in which things arrived; a row holds the first ids of its period, which ends where the next one begins.
CREATE TABLE periods (
    id INTEGER PRIMARY KEY,
    opened_s INTEGER NOT NULL,
    first_trace INTEGER NOT NULL,
    first_log INTEGER NOT NULL,
    first_point INTEGER NOT NULL
) STRICT;

-- Texts that repeat: names of spans, services, metrics. "seen" is the last period in which one was used.
CREATE TABLE names (
    id INTEGER PRIMARY KEY,
    text TEXT NOT NULL UNIQUE,
    seen INTEGER NOT NULL
) STRICT;

-- "message" is what a request holds for one resource (ResourceSpans and its like) without its scopes.
CREATE TABLE resources (
    id INTEGER PRIMARY KEY,
    hash INTEGER NOT NULL,
    service INTEGER NOT NULL,
    message BLOB NOT NULL,
    seen INTEGER NOT NULL
) STRICT;
CREATE INDEX resources_by_hash ON resources (hash);

-- "message" is what a request holds for one scope (ScopeSpans and its like) without its items.
CREATE TABLE scopes (
    id INTEGER PRIMARY KEY,
    hash INTEGER NOT NULL,
    message BLOB NOT NULL,
    seen INTEGER NOT NULL
) STRICT;
CREATE INDEX scopes_by_hash ON scopes (hash);

-- One row for each trace, kept up to date with every commit. The head is the root span, or the earliest span while no
-- root has arrived.
CREATE TABLE traces (
    id INTEGER PRIMARY KEY,
    trace_id BLOB NOT NULL UNIQUE,
    start_ns INTEGER NOT NULL,
    end_ns INTEGER NOT NULL,
    spans INTEGER NOT NULL,
    errors INTEGER NOT NULL,
    has_root INTEGER NOT NULL,
    head_start_ns INTEGER NOT NULL,
    head_name INTEGER NOT NULL,
    head_service INTEGER NOT NULL
) STRICT;
CREATE INDEX traces_by_start ON traces (start_ns);

CREATE TABLE trace_services (
    trace INTEGER NOT NULL,
    service INTEGER NOT NULL,
    PRIMARY KEY (trace, service)
) STRICT, WITHOUT ROWID;

-- Clustered by trace: one tree, appended to at its end as traces arrive, and a trace is one range of it.
CREATE TABLE spans (
    trace INTEGER NOT NULL,
    span_id BLOB NOT NULL,
    parent_id BLOB,
    start_ns INTEGER NOT NULL,
    end_ns INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    status INTEGER NOT NULL,
    name INTEGER NOT NULL,
    resource INTEGER NOT NULL,
    scope INTEGER NOT NULL,
    message BLOB NOT NULL,
    PRIMARY KEY (trace, span_id)
) STRICT, WITHOUT ROWID;

-- "sort_ns" is the record's time, or when it was observed, or when it arrived, whichever is there first. "body" is the
-- body as text; "message" holds the body only where it is not a plain string.
CREATE TABLE logs (
    id INTEGER PRIMARY KEY,
    sort_ns INTEGER NOT NULL,
    severity INTEGER NOT NULL,
    trace_id BLOB,
    span_id BLOB,
    resource INTEGER NOT NULL,
    scope INTEGER NOT NULL,
    body TEXT,
    message BLOB NOT NULL
) STRICT;
CREATE INDEX logs_by_time ON logs (sort_ns);
CREATE INDEX logs_by_trace ON logs (trace_id) WHERE trace_id IS NOT NULL;

-- A metric stream is everything that tells one series of points from another. "type" is the field number of the data
-- in the OTLP message Metric; "attributes" is the points' attributes, as a NumberDataPoint that has nothing else.
CREATE TABLE streams (
    id INTEGER PRIMARY KEY,
    hash INTEGER NOT NULL,
    name INTEGER NOT NULL,
    type INTEGER NOT NULL,
    temporality INTEGER NOT NULL,
    monotonic INTEGER NOT NULL,
    unit TEXT NOT NULL,
    description TEXT NOT NULL,
    resource INTEGER NOT NULL,
    scope INTEGER NOT NULL,
    metadata BLOB NOT NULL,
    attributes BLOB NOT NULL,
    seen INTEGER NOT NULL
) STRICT;
CREATE INDEX streams_by_hash ON streams (hash);

-- "value" is the number of a gauge or a sum, integer or real as it was sent; a value that SQLite can't hold (NaN) and
-- all other kinds of data stay in "message".
CREATE TABLE points (
    id INTEGER PRIMARY KEY,
    stream INTEGER NOT NULL,
    time_ns INTEGER NOT NULL,
    start_ns INTEGER NOT NULL,
    value ANY,
    message BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX points_by_stream ON points (stream, time_ns);
