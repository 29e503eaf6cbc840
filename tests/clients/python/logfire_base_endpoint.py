"""Logfire with the base endpoint: OTEL_EXPORTER_OTLP_ENDPOINT is set outside, and traces and metrics follow it.

OTLP logs, which Logfire keeps for instrumentations that emit OpenTelemetry log records, go the same way.
"""

import time

import logfire
from opentelemetry._logs import LogRecord, SeverityNumber, get_logger

logfire.configure(service_name='base_endpoint_service', send_to_logfire=False)

with logfire.span('order {order_id}', order_id=17):
    logfire.info('placed by {customer}', customer='Åse')
    try:
        raise RuntimeError('out of stock')
    except RuntimeError:
        logfire.exception('could not ship')

orders = logfire.metric_counter('orders', unit='1', description='Orders placed')
orders.add(3, {'country': 'NO'})

get_logger('shop').emit(
    LogRecord(
        timestamp=time.time_ns(),
        severity_number=SeverityNumber.WARN,
        severity_text='WARN',
        body='stock is low',
        attributes={'sku': 'a-1', 'left': 2},
    )
)

logfire.shutdown()
