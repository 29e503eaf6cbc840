-- Calls of language models, derived from spans and log records; "mapping" in "meta" says by which version, and "derived"
-- how far a partition that was begun by an older one has been gone through.
--
-- One row for each call. "parent" and "response" are there where something may be found by them; "response" is a hash.
-- "log" is the number of the log record, where it comes from one. "details" is JSON.
CREATE TABLE IF NOT EXISTS llm_calls (
    id INTEGER PRIMARY KEY,
    trace_id BLOB NOT NULL,
    span_id BLOB NOT NULL,
    parent BLOB,
    response INTEGER,
    log INTEGER,
    start_ns INTEGER NOT NULL,
    details TEXT NOT NULL,
    UNIQUE (trace_id, span_id)
) STRICT;
CREATE INDEX IF NOT EXISTS llm_calls_by_parent ON llm_calls (parent) WHERE parent IS NOT NULL;
CREATE INDEX IF NOT EXISTS llm_calls_by_response ON llm_calls (response) WHERE response IS NOT NULL;

-- The numbers of a call, packed: small, and in the order of time.
CREATE TABLE IF NOT EXISTS llm_facts (
    start_ns INTEGER NOT NULL,
    call INTEGER NOT NULL,
    facts BLOB NOT NULL,
    PRIMARY KEY (start_ns, call)
) STRICT, WITHOUT ROWID;

-- The facts of all calls that started within the same ten minutes, once more, column by column: what goes through many calls
-- reads them here. Without columns, because calls came or changed since; then they are read one by one.
CREATE TABLE IF NOT EXISTS llm_parts (
    part INTEGER PRIMARY KEY,
    columns BLOB
) STRICT;
CREATE INDEX IF NOT EXISTS llm_parts_without ON llm_parts (part) WHERE columns IS NULL;

-- Calls by sessions, users and tags. Version 3 wrote other dimensions, too.
CREATE TABLE IF NOT EXISTS llm_index (
    dimension INTEGER NOT NULL,
    name INTEGER NOT NULL,
    start_ns INTEGER NOT NULL,
    call INTEGER NOT NULL,
    PRIMARY KEY (dimension, name, start_ns, call)
) STRICT, WITHOUT ROWID;
