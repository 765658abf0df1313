"""A made-up AWS account: users with passwords and access keys of every age.

The seeded moto and the audit benchmark draw their users from here, so that both meet the same
mix: few people with no key, many with two, a fifth of the keys never used, some of them inactive.
The same seed gives the same users on every machine. Times are UTC without a zone, because moto
keeps them so.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

ACCOUNT = "123456789012"
# "Now" for everything that is made up here: ages are counted back from this time.
AS_OF = "2026-11-24T00:00:00Z"

MOST_AGE_DAYS = 3650
# The chance that a user has no key, one key and two keys: 1.492 keys a user on average.
KEY_COUNT_WEIGHTS = (0.100, 0.308, 0.592)
NEVER_USED_CHANCE = 0.20
INACTIVE_CHANCE = 0.15
PASSWORD_CHANCE = 0.45
UNUSED_PASSWORD_CHANCE = 0.25
MFA_CHANCE = 0.60
# The chance that a key is one that somebody renews now and then, so that it is rather young.
ROTATED_CHANCE = 0.30
# AWS shows a use some 15 minutes later.
LEAST_IDLE = timedelta(minutes=20)
# Programs make both keys of a user in one second now and then: neither is the older one then.
SAME_SECOND_CHANCE = 0.005
# A provider numbers the two keys of a user, and not always in the order of their age.
SWAPPED_CHANCE = 0.30

# In the order of a credential report, which sorts users without regard to case.
STEMS = (
    "Admin",
    "analytics",
    "Backup",
    "billing",
    "ci",
    "data-loader",
    "Grafana",
    "jenkins",
    "mail",
    "mobile-app",
    "partner",
    "Reporting",
    "svc-orders",
    "svc-payments",
    "terraform",
    "web",
)
PATHS = ("/", "/", "/", "/ci/", "/svc/", "/people/")
# A region of N/A beside a date is what AWS reports for a service without regions.
USES = (
    ("us-east-1", "s3"),
    ("eu-central-1", "s3"),
    ("N/A", "s3"),
    ("us-east-1", "iam"),
    ("us-east-1", "sts"),
    ("eu-west-1", "ec2"),
    ("ap-southeast-2", "sqs"),
    ("us-west-2", "dynamodb"),
)


@dataclass(frozen=True)
class LastUse:
    """When, where and for what a key was used last."""

    at: datetime
    region: str
    service: str


@dataclass(frozen=True)
class Key:
    """An access key; `last_use` is None if it was never used."""

    created_at: datetime
    is_active: bool = True
    last_use: LastUse | None = None


@dataclass(frozen=True)
class Password:
    """A console password; `last_used_at` is None if no use was recorded."""

    changed_at: datetime
    last_used_at: datetime | None = None


@dataclass(frozen=True)
class User:
    """A user of the account, with its keys in the order of their slots."""

    name: str
    path: str
    created_at: datetime
    password: Password | None = None
    has_mfa: bool = False
    keys: tuple[Key, ...] = ()
    certificates: tuple[datetime, ...] = field(default=())

    @property
    def arn(self) -> str:
        """The Amazon Resource Name of the user."""
        return f"arn:aws:iam::{ACCOUNT}:user{self.path}{self.name}"


def parse_time(text: str) -> datetime:
    """A UTC time as `2026-11-24T00:00:00Z`, kept without its zone."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ")


def format_time(time: datetime) -> str:
    """The reverse of `parse_time`."""
    return time.isoformat() + "Z"


def cast() -> list[User]:
    """Four users with a story each; their dates never move."""
    at = parse_time
    return [
        User(
            name="alice",
            path="/",
            created_at=at("2021-04-12T08:30:00Z"),
            password=Password(changed_at=at("2021-04-12T08:30:01Z")),
        ),
        User(
            name="Backup-bot",
            path="/svc/",
            created_at=at("2016-02-29T00:00:00Z"),
            keys=(
                Key(
                    created_at=at("2016-02-29T00:00:05Z"),
                    last_use=LastUse(at("2026-11-23T22:45:00Z"), "N/A", "s3"),
                ),
                Key(
                    created_at=at("2018-07-01T10:00:00Z"),
                    is_active=False,
                    last_use=LastUse(at("2018-07-09T11:00:00Z"), "eu-west-1", "ec2"),
                ),
            ),
        ),
        User(
            name="carol",
            path="/",
            created_at=at("2024-01-05T14:00:00Z"),
            password=Password(
                changed_at=at("2026-09-01T09:00:00Z"),
                last_used_at=at("2026-11-22T09:02:17Z"),
            ),
            has_mfa=True,
            keys=(
                Key(
                    created_at=at("2026-10-01T00:00:00Z"),
                    last_use=LastUse(at("2026-11-23T21:30:00Z"), "eu-central-1", "sts"),
                ),
                Key(created_at=at("2026-11-23T21:10:00Z")),
            ),
        ),
        User(
            name="deploy",
            path="/ci/",
            created_at=at("2020-06-15T12:00:00Z"),
            keys=(Key(created_at=at("2020-06-15T12:00:04Z")),),
            certificates=(at("2020-06-16T08:00:00Z"),),
        ),
    ]


def users(count: int, seed: int, as_of: datetime) -> Iterator[User]:
    """Yield `count` users in the order of a credential report, the same for the same seed."""
    chance = random.Random(seed)
    digits = max(5, len(str(count)))
    for index in range(count):
        stem = STEMS[index * len(STEMS) // count]
        yield _user(f"{stem}-{index:0{digits}}", chance, as_of)


def _user(name: str, chance: random.Random, as_of: datetime) -> User:
    # Accounts grow: half of the users came in the last quarter of the time.
    age = timedelta(days=2) + chance.random() ** 2 * timedelta(days=MOST_AGE_DAYS - 2)
    created_at = as_of - _whole_seconds(age)
    return User(
        name=name,
        path=chance.choice(PATHS),
        created_at=created_at,
        password=_password(created_at, chance, as_of),
        has_mfa=chance.random() < MFA_CHANCE,
        keys=_keys(created_at, chance, as_of),
    )


def _password(user_created_at: datetime, chance: random.Random, as_of: datetime) -> Password | None:
    if chance.random() >= PASSWORD_CHANCE:
        return None
    changed_at = _any_time(user_created_at, as_of, chance)
    if chance.random() < UNUSED_PASSWORD_CHANCE:
        return Password(changed_at)
    return Password(changed_at, _late_time(user_created_at, as_of, chance))


def _keys(user_created_at: datetime, chance: random.Random, as_of: datetime) -> tuple[Key, ...]:
    (count,) = chance.choices((0, 1, 2), KEY_COUNT_WEIGHTS)
    if count == 0:
        return ()
    first_created_at = _first_key_time(user_created_at, chance, as_of)
    first = _key(first_created_at, chance, as_of)
    if count == 1:
        return (first,)
    is_same_second = chance.random() < SAME_SECOND_CHANCE
    second_created_at = (
        first_created_at if is_same_second else _key_time(first_created_at, chance, as_of)
    )
    second = _key(second_created_at, chance, as_of)
    return (second, first) if chance.random() < SWAPPED_CHANCE else (first, second)


def _first_key_time(user_created_at: datetime, chance: random.Random, as_of: datetime) -> datetime:
    if chance.random() < 0.5:  # The script that made the user made its key, seconds later.
        return user_created_at + timedelta(seconds=chance.randint(1, 9))
    return _key_time(user_created_at, chance, as_of)


def _key_time(earliest: datetime, chance: random.Random, as_of: datetime) -> datetime:
    if chance.random() < ROTATED_CHANCE:
        return _late_time(earliest, as_of, chance)
    return _any_time(earliest, as_of, chance)


def _key(created_at: datetime, chance: random.Random, as_of: datetime) -> Key:
    is_active = chance.random() >= INACTIVE_CHANCE
    if chance.random() < NEVER_USED_CHANCE:
        return Key(created_at, is_active)
    used_at = _late_time(created_at, as_of, chance)
    return Key(created_at, is_active, LastUse(used_at, *chance.choice(USES)))


def _any_time(earliest: datetime, as_of: datetime, chance: random.Random) -> datetime:
    return as_of - _whole_seconds(chance.random() * (as_of - earliest))


def _late_time(earliest: datetime, as_of: datetime, chance: random.Random) -> datetime:
    """A time nearer to `as_of` than to `earliest`: minutes ago is as likely as hours or days."""
    most = as_of - earliest
    least = min(LEAST_IDLE, most)
    low, high = (math.log(max(span.total_seconds(), 1)) for span in (least, most))
    magnitude = chance.uniform(low, high)
    # Rounding must not lead out of the range: nothing is used before it is made.
    return as_of - min(timedelta(seconds=int(math.exp(magnitude))), most)


def _whole_seconds(span: timedelta) -> timedelta:
    return timedelta(seconds=int(span.total_seconds()))
