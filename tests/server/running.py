"""A real server in a thread, for tests: uvicorn on a free port of the loopback, with the engines that a test gives."""

import threading
from contextlib import contextmanager

from dialoop.server import address_of, build_app, listen, server_of


@contextmanager
def serving(*engines, port=0, **options):
    """The address of a running server, without /v1."""
    listening = listen("127.0.0.1", port)
    server = server_of(build_app(engines, **options), log_level="error", grace=2)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        yield address_of(listening)
    finally:
        server.should_exit = True
        thread.join(20)
        listening.close()
        assert not thread.is_alive()
