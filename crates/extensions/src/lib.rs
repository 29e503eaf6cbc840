//! Capabilities that other components use: health, credentials, queue storage.
