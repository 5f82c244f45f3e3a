"""Log records: what is private is masked wherever it stands in the record; the rest stays as it was."""

import io
import logging

import pytest

from dialoop.privacy import protect_logging
from tests.privacy.values import SEEDED, nothing_seeded


@pytest.fixture
def logged():
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
    logger = logging.getLogger("tests.privacy.logs")
    logger.propagate = False
    logger.setLevel(logging.DEBUG)
    logger.addHandler(handler)
    protect_logging(handler)
    yield logger, stream
    logger.removeHandler(handler)


class Guest:
    def __str__(self) -> str:
        return f"guest at {SEEDED['email']}"


@pytest.mark.parametrize(
    ("message", "args", "shown"),
    [
        ("room 302, booking KL68850, %d nights", (2,), "INFO room 302, booking KL68850, 2 nights"),
        ("call 13812345678", (), "INFO call [phone]"),
        ("call %s of %s", (SEEDED["phone"], SEEDED["email"]), "INFO call [phone] of [email]"),
        ("call %d now", (13812345678,), "INFO call [phone] now"),
        ("my name is %s", ("Nora Quill",), "INFO my name is [name]"),
        ("%s came", (Guest(),), "INFO guest at [email] came"),
        ("arguments %s", ({"name": "Nora Quill", "n": 2},), "INFO arguments {'name': '[name]', 'n': 2}"),
        ("card %(card)s", ({"card": SEEDED["card"]},), "INFO card [card]"),
        ("100%% of %s", ("13812345678",), "INFO 100% of [phone]"),
    ],
)
def test_a_message_is_masked(logged, message, args, shown):
    logger, stream = logged
    logger.info(message, *args)
    assert stream.getvalue() == shown + "\n"


def test_a_traceback_is_masked(logged):
    logger, stream = logged
    try:
        raise ValueError(f"no such guest: {SEEDED['email']}")
    except ValueError:
        logger.exception("it failed")
    assert "ValueError: no such guest: [email]" in stream.getvalue()
    assert nothing_seeded(stream.getvalue())


def test_a_message_that_cannot_be_formatted_leaks_nothing(logged, capsys):
    logger, stream = logged
    logger.info("%d and %d", SEEDED["phone"])
    assert nothing_seeded(stream.getvalue() + capsys.readouterr().err)
    assert "[phone]" in stream.getvalue()


def test_extra_fields_and_arguments_keep_their_shape():
    handler = logging.Handler()
    protection = protect_logging(handler)
    record = logging.makeLogRecord(
        {"msg": '%s - "%s %s" %d', "args": ("127.0.0.1:8000", "GET", "/c?to=kim@example.com", 200)}
    )
    record.guest = {"contact": "13812345678", "rooms": [302]}
    assert protection.filter(record)
    assert record.args == ("127.0.0.1:8000", "GET", "/c?to=[email]", 200)
    assert vars(record)["guest"] == {"contact": "[phone]", "rooms": [302]}
    assert handler.filters == [protection]
