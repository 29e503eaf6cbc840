"""Logs through python-logging-loki to the URL in the first argument."""

import logging
import sys

import logging_loki

handler = logging_loki.LokiHandler(url=sys.argv[1], tags={"application": "checkout"}, version="1")
failures = []
handler.handleError = lambda record: failures.append(sys.exc_info()[1])
logger = logging.getLogger("shop")
logger.addHandler(handler)
logger.setLevel(logging.DEBUG)
logger.debug("cart loaded", extra={"tags": {"cart": "3 items"}})
logger.warning('Grüße, 世界 🎉\nsecond line "quoted"')
logger.error("payment %s", "refused")
if failures:
    sys.exit(f"not accepted: {failures[0]}")
