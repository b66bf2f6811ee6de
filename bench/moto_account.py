"""A moto server with one account of N users, every second in no group: `PORT N` as arguments."""

from __future__ import annotations

import logging
import sys

from moto.iam.models import iam_backends
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import run_simple


def main(port: int, users: int) -> None:
    """Fill the account from inside, which takes no calls, and serve it."""
    backend = iam_backends["123456789012"]["aws"]
    backend.create_group("staff")
    for number in range(users):
        backend.create_user("us-east-1", f"user-{number:05}")
        if number % 2:
            backend.add_user_to_group("staff", f"user-{number:05}")
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    application = DomainDispatcherApplication(create_backend_app)
    run_simple("127.0.0.1", port, application, threaded=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
