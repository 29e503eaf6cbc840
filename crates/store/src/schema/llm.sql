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

-- Calls by what they have in common: services, models, sessions and so on.
CREATE TABLE IF NOT EXISTS llm_index (
    dimension INTEGER NOT NULL,
    name INTEGER NOT NULL,
    start_ns INTEGER NOT NULL,
    call INTEGER NOT NULL,
    PRIMARY KEY (dimension, name, start_ns, call)
) STRICT, WITHOUT ROWID;
