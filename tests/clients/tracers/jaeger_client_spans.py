"""Jaeger's Python client, compact Thrift over UDP: jaeger_client_spans.py PORT"""

import sys
import time

import opentracing
from jaeger_client import Config

config = Config(
    config={
        "sampler": {"type": "const", "param": 1},
        "local_agent": {"reporting_host": "127.0.0.1", "reporting_port": int(sys.argv[1])},
        "reporter_flush_interval": 0.1,
        "generate_128bit_trace_id": True,
        "tags": {"service.version": "1.2"},
    },
    service_name="shop",
)
tracer = config.initialize_tracer()
with tracer.start_span("GET /cart", tags={"span.kind": "server", "size": 3, "ratio": 0.25, "cached": False}) as server:
    server.set_tag("note", "Grüße 🦀")
    with tracer.start_span("SELECT carts", child_of=server, tags={"span.kind": "client"}) as client:
        client.log_kv({"event": "slow", "rows": 12})
        client.set_tag(opentracing.tags.ERROR, True)
closed = tracer.close()
while not closed.done():
    time.sleep(0.05)
