"""The demo story as data."""

from __future__ import annotations

import pytest

from straywatch.local.story.script import STORY, Expected, StoryStep


def test_steps_read_as_one_would_type_them() -> None:
    """A step prints as the AWS CLI command, with quotes where a shell needs them."""
    step = StoryStep("AddUserToGroup", {"UserName": "al ice;rm", "GroupName": "g"})

    assert step.command == "aws iam add-user-to-group --user-name 'al ice;rm' --group-name g"


def test_the_story_tells_each_way_to_become_a_stray_and_not_to() -> None:
    """An alert for the user left alone and for the last group left, a resolution; else silence."""
    assert [alert for scene in STORY for alert in scene.alerts] == [
        Expected("opened", "alice"),
        Expected("opened", "carol"),
        Expected("resolved", "alice"),
    ]


@pytest.mark.parametrize("user", ["bob", "dave", "erin"])
def test_who_should_stay_silent_is_in_the_story(user: str) -> None:
    """Silence is only worth something if there was somebody to be silent about."""
    users = [step.parameters.get("UserName") for scene in STORY for step in scene.steps]

    assert user in users
