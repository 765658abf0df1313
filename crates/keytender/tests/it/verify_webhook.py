"""Verifies a web hook with the reference library: {"secret", "headers", "body"} as JSON on stdin."""

import json
import sys

from standardwebhooks.webhooks import Webhook

given = json.load(sys.stdin)
print(json.dumps(Webhook(given["secret"]).verify(given["body"], given["headers"])))
