"""An API behind a gateway that asks Keytender about each key.

Whose key it is, the gateway says in headers, so the API must be reached through it alone: it listens to this machine
only.
"""

from typing import Annotated

from fastapi import Depends, FastAPI, Header, HTTPException
from pydantic import BaseModel

api = FastAPI()


class Key(BaseModel):
    """Whose key it is, and what it may do."""

    account: str
    app: str
    scopes: list[str]


def key(
    keytender_account: Annotated[str | None, Header()] = None,
    keytender_app: Annotated[str | None, Header()] = None,
    keytender_scopes: Annotated[str, Header()] = "",
) -> Key:
    """The key of a request, as the gateway says."""
    if not keytender_account or not keytender_app:
        raise HTTPException(401, "not through the gateway")
    return Key(account=keytender_account, app=keytender_app, scopes=keytender_scopes.split())


@api.get("/orders")
def orders(key: Annotated[Key, Depends(key)]) -> dict:
    return {"orders": [], "app": key.app}


@api.post("/orders", status_code=201)
def order(key: Annotated[Key, Depends(key)]) -> dict:
    if "orders:write" not in key.scopes:
        raise HTTPException(403, "this key may not write orders")
    return {"order": 1}
