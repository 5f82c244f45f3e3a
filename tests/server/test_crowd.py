"""How many pages may be open, and by whom."""

import pytest

from dialoop.errors import RequestError
from dialoop.server.crowd import Crowd


def status(crowd, **by):
    with pytest.raises(RequestError) as refused:
        crowd.enter(by)
    assert refused.value.code == "too_many_pages"
    assert refused.value.remedy
    return refused.value.status


def test_each_has_a_share_and_all_have_a_limit():
    crowd = Crowd(4)
    left = [crowd.enter({"ann": 2, "home": 3}) for _ in range(2)]
    assert status(crowd, ann=2, home=3) == 429
    crowd.enter({"bob": 2, "home": 3})
    assert status(crowd, bob=2, home=3) == 429  # the address has no more
    crowd.enter({"bob": 2, "work": 3})
    assert status(crowd, kim=2, work=3) == 503
    for leave in left:
        leave()
    crowd.enter({"ann": 2, "home": 3})
    crowd.enter({"kim": 2, "home": 3})
    assert status(crowd, eve=2, cafe=3) == 503


def test_what_was_refused_is_not_counted():
    crowd = Crowd(10)
    crowd.enter({"ann": 1, "home": 3})
    for _ in range(5):
        assert status(crowd, ann=1, home=3) == 429
    crowd.enter({"bob": 1, "home": 3})
    crowd.enter({"kim": 1, "home": 3})
