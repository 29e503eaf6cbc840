-- A partition: what arrived in one period, whole in itself.
--
-- Times are nanoseconds since 1970, as OTLP has them; minutes are counted since 1970. Unsigned 64-bit numbers are kept
-- as the signed ones of the same bits. Columns called "message" hold a protobuf message of OTLP without the fields that
-- are kept elsewhere.

CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value ANY NOT NULL
) STRICT, WITHOUT ROWID;

-- One row: how much there is.
CREATE TABLE totals (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    spans INTEGER NOT NULL,
    logs INTEGER NOT NULL,
    points INTEGER NOT NULL,
    profiles INTEGER NOT NULL,
    -- The longest time from a trace's first start to its last end.
    longest_ns INTEGER NOT NULL
) STRICT;
INSERT INTO totals VALUES (1, 0, 0, 0, 0, 0);

-- Texts that repeat: names of spans, services, metrics.
CREATE TABLE names (
    id INTEGER PRIMARY KEY,
    text TEXT NOT NULL UNIQUE
) STRICT;

-- "message" is what a request holds for one resource (ResourceSpans and its like) without its scopes.
CREATE TABLE resources (
    id INTEGER PRIMARY KEY,
    hash INTEGER NOT NULL,
    service INTEGER NOT NULL,
    message BLOB NOT NULL
) STRICT;
CREATE INDEX resources_by_hash ON resources (hash);

-- "message" is what a request holds for one scope (ScopeSpans and its like) without its items.
CREATE TABLE scopes (
    id INTEGER PRIMARY KEY,
    hash INTEGER NOT NULL,
    message BLOB NOT NULL
) STRICT;
CREATE INDEX scopes_by_hash ON scopes (hash);

-- Large values of attributes and bodies, once each, by SHA-256 (the first 16 bytes), compressed with zstd.
CREATE TABLE payloads (
    hash BLOB PRIMARY KEY,
    data BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- One row for each trace, kept up to date with every commit: what this partition has of it. The head is the root span,
-- or the earliest span while no root has arrived. "services" and "blocks" are lists of ids, as varints.
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
    head_service INTEGER NOT NULL,
    head_message TEXT,
    services BLOB NOT NULL,
    blocks BLOB NOT NULL
) STRICT;
CREATE INDEX traces_by_start ON traces (start_ns);
CREATE INDEX traces_with_errors ON traces (start_ns) WHERE errors > 0;

-- Spans are kept in blocks of about a thousand. "filter" tells which attributes, names and services a block may have,
-- "texts" which texts; both may say yes where the answer is no, never the other way.
CREATE TABLE span_blocks (
    id INTEGER PRIMARY KEY,
    count INTEGER NOT NULL,
    min_ns INTEGER NOT NULL,
    max_ns INTEGER NOT NULL,
    filter BLOB NOT NULL
) STRICT;
CREATE INDEX span_blocks_by_time ON span_blocks (max_ns, min_ns);
CREATE TABLE span_texts (
    id INTEGER PRIMARY KEY,
    texts BLOB NOT NULL
) STRICT;
CREATE TABLE span_data (
    id INTEGER PRIMARY KEY,
    data BLOB NOT NULL
) STRICT;

-- Versions of spans that another one has replaced, by their place in a block.
CREATE TABLE superseded (
    block INTEGER NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (block, position)
) STRICT, WITHOUT ROWID;

-- Log records in the order of arrival: a block's first record has its "first" as number, and so on.
CREATE TABLE log_blocks (
    id INTEGER PRIMARY KEY,
    first INTEGER NOT NULL,
    count INTEGER NOT NULL,
    min_ns INTEGER NOT NULL,
    max_ns INTEGER NOT NULL,
    max_severity INTEGER NOT NULL,
    filter BLOB NOT NULL
) STRICT;
CREATE INDEX log_blocks_by_time ON log_blocks (max_ns, min_ns, max_severity);
CREATE TABLE log_texts (
    id INTEGER PRIMARY KEY,
    texts BLOB NOT NULL
) STRICT;
CREATE TABLE log_data (
    id INTEGER PRIMARY KEY,
    data BLOB NOT NULL
) STRICT;
CREATE TABLE log_traces (
    trace_id BLOB NOT NULL,
    block INTEGER NOT NULL,
    PRIMARY KEY (trace_id, block)
) STRICT, WITHOUT ROWID;

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
    attributes BLOB NOT NULL
) STRICT;
CREATE INDEX streams_by_hash ON streams (hash);
CREATE INDEX streams_by_name ON streams (name);

-- Clustered by stream. "value" is the number of a gauge or a sum, integer or real as it was sent; a value that SQLite
-- can't hold (NaN) and all other kinds of data stay in "message".
CREATE TABLE points (
    stream INTEGER NOT NULL,
    time_ns INTEGER NOT NULL,
    start_ns INTEGER NOT NULL,
    value ANY,
    message BLOB NOT NULL,
    PRIMARY KEY (stream, time_ns)
) STRICT, WITHOUT ROWID;

-- Spans by the minute of their start. "durations" is a histogram.
CREATE TABLE service_minutes (
    minute INTEGER NOT NULL,
    service INTEGER NOT NULL,
    count INTEGER NOT NULL,
    errors INTEGER NOT NULL,
    durations BLOB NOT NULL,
    PRIMARY KEY (minute, service)
) STRICT, WITHOUT ROWID;
CREATE TABLE operation_minutes (
    service INTEGER NOT NULL,
    minute INTEGER NOT NULL,
    name INTEGER NOT NULL,
    count INTEGER NOT NULL,
    errors INTEGER NOT NULL,
    durations BLOB NOT NULL,
    PRIMARY KEY (service, minute, name)
) STRICT, WITHOUT ROWID;
-- Spans whose parent is of another service, by the minute of their start.
CREATE TABLE edge_minutes (
    minute INTEGER NOT NULL,
    caller INTEGER NOT NULL,
    service INTEGER NOT NULL,
    count INTEGER NOT NULL,
    errors INTEGER NOT NULL,
    durations BLOB NOT NULL,
    PRIMARY KEY (minute, caller, service)
) STRICT, WITHOUT ROWID;

-- Exceptions, and what they have in common.
CREATE TABLE error_groups (
    id INTEGER PRIMARY KEY,
    service INTEGER NOT NULL,
    type TEXT NOT NULL,
    place TEXT NOT NULL,
    message TEXT NOT NULL
) STRICT;
CREATE TABLE exceptions (
    id INTEGER PRIMARY KEY,
    time_ns INTEGER NOT NULL,
    error INTEGER NOT NULL,
    trace_id BLOB
) STRICT;
CREATE INDEX exceptions_by_time ON exceptions (time_ns);

-- Profiles, and the requests that they came in, whole, compressed with zstd. "number" is the profile's place among those
-- of its request.
CREATE TABLE profiles (
    id INTEGER PRIMARY KEY,
    request INTEGER NOT NULL,
    number INTEGER NOT NULL,
    service INTEGER NOT NULL,
    time_ns INTEGER NOT NULL,
    duration_ns INTEGER NOT NULL,
    sample_type TEXT NOT NULL,
    unit TEXT NOT NULL,
    samples INTEGER NOT NULL
) STRICT;
CREATE INDEX profiles_by_time ON profiles (time_ns);
CREATE TABLE profile_requests (
    id INTEGER PRIMARY KEY,
    data BLOB NOT NULL
) STRICT;
