"""The Flask extensions, made once and bound to an application by ``app.create_app``."""

from __future__ import annotations

from flask import request, session
from flask_limiter import Limiter
from flask_login import LoginManager
from flask_sqlalchemy import SQLAlchemy
from flask_talisman import Talisman
from flask_wtf import CSRFProtect

from models import Base

SESSION_KEY = "sid"
"""Under which the signed cookie holds the random session id."""


def visitor() -> str:
    """Return whose requests are counted together: those of a session, else of an address."""
    return str(session.get(SESSION_KEY) or request.remote_addr)


db = SQLAlchemy(model_class=Base, session_options={"expire_on_commit": False})
login_manager = LoginManager()
csrf = CSRFProtect()
talisman = Talisman()
limiter = Limiter(key_func=visitor, default_limits=["600/minute"], headers_enabled=False)
