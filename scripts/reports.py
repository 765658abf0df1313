"""The users of `estate.py` as lines of a credential report."""

from __future__ import annotations

import estate

HEADER = (
    "user,arn,user_creation_time,password_enabled,password_last_used,password_last_changed,"
    "password_next_rotation,mfa_active,access_key_1_active,access_key_1_last_rotated,"
    "access_key_1_last_used_date,access_key_1_last_used_region,access_key_1_last_used_service,"
    "access_key_2_active,access_key_2_last_rotated,access_key_2_last_used_date,"
    "access_key_2_last_used_region,access_key_2_last_used_service,cert_1_active,"
    "cert_1_last_rotated,cert_2_active,cert_2_last_rotated"
)
ROOT_ROW = (
    f"<root_account>,arn:aws:iam::{estate.ACCOUNT}:root,2014-03-02T09:11:54Z,true,"
    "2026-08-30T07:41:10Z,2023-01-19T16:20:33Z,not_supported,true,true,2019-05-06T12:00:01Z,"
    "2026-11-20T03:15:00Z,us-east-1,s3,false,N/A,N/A,N/A,N/A,false,N/A,false,N/A"
)
NO_KEY = "false,N/A,N/A,N/A,N/A"
NO_PASSWORD = "false,N/A,N/A,N/A"


def report_row(user: estate.User) -> str:
    """One user as a line of a credential report."""
    slots = [key_cells(key) for key in user.keys]
    slots += [NO_KEY] * (2 - len(slots))
    return ",".join(
        (
            user.name,
            user.arn,
            estate.format_time(user.created_at),
            password_cells(user.password),
            "true" if user.has_mfa else "false",
            *slots,
            "false,N/A,false,N/A",
        )
    )


def password_cells(password: estate.Password | None) -> str:
    """Whether there is a password, its last use, last change and next rotation."""
    if password is None:
        return NO_PASSWORD
    used = (
        "no_information"
        if password.last_used_at is None
        else estate.format_time(password.last_used_at)
    )
    return f"true,{used},{estate.format_time(password.changed_at)},N/A"


def key_cells(key: estate.Key) -> str:
    """State, creation and last use of one key."""
    active = "true" if key.is_active else "false"
    created = estate.format_time(key.created_at)
    if key.last_use is None:
        return f"{active},{created},N/A,N/A,N/A"
    used = key.last_use
    return f"{active},{created},{estate.format_time(used.at)},{used.region},{used.service}"
