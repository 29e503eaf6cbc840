"""Logfire's own way to any OTLP backend: the traces endpoint in the environment, and `logfire.configure` for the rest.

The endpoint is the only thing the test changes: it comes in as TRACES_ENDPOINT.
"""

import os

import logfire

# Only traces are wanted here, so only their endpoint is set; it is the full URL, path included.
traces_endpoint = os.environ.pop('TRACES_ENDPOINT')
os.environ['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'] = traces_endpoint

logfire.configure(
    service_name='my_logfire_service',
    send_to_logfire=False,
)

with logfire.span('This is a span'):
    logfire.info('Logfire logs are also actually just spans!')
