"""A project file's settings and the verbs' options are the same ones."""

import pytest

from dialoop.cli.app import VERBS, load_verb
from dialoop.project.file import SHARED
from dialoop.project.sections import SECTIONS, section_settings

OF_AGENTS = ("knowledge",)  # what agents are given; no verb is called so


@pytest.mark.parametrize("section", [one for one in SECTIONS if one not in OF_AGENTS])
def test_every_setting_of_a_section_is_an_option_of_its_verb(section):
    options = {param.name for param in load_verb(section).params}
    assert set(section_settings(section).model_fields) - options == set()


@pytest.mark.parametrize("key", sorted(SHARED))
def test_every_key_of_the_top_level_is_an_option_of_the_verbs_it_names(key):
    for verb, option in SHARED[key]:
        assert option in {param.name for param in load_verb(verb).params}, f"dialoop {verb} has no {option}"


def test_sections_without_a_verb_are_those_of_agents():
    assert tuple(one for one in SECTIONS if one not in VERBS) == OF_AGENTS
