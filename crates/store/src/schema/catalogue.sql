-- What outlives partitions.

-- The numbers of partitions are never given out twice, so that neither are the ids that are made of them.
CREATE TABLE numbers (
    name TEXT PRIMARY KEY,
    next INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE views (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    page TEXT NOT NULL,
    query TEXT NOT NULL,
    UNIQUE (page, name)
) STRICT;
