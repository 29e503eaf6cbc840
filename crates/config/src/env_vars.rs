//! Every environment variable that the hub reads, in one table.
