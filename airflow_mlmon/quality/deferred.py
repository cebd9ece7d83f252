"""Deferral of libraries that another one imports and seldom uses, until it does, and absence of those it never uses."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType
from typing import Any


class DeferredModule(ModuleType):
    """Stand-in for a module that is imported when something of it is asked for."""

    def __getattr__(self, name: str) -> Any:
        """Import the module, and return what is asked for."""
        if name.startswith("__"):
            # the import system asks for these of every module
            raise AttributeError(name)
        return getattr(import_module(self.__name__), name)


@contextmanager
def deferred(*names: str) -> Iterator[None]:
    """Let what is imported meanwhile have stand-ins for some modules, unless they are loaded already."""
    given = {name: DeferredModule(name) for name in names if name not in sys.modules}
    sys.modules.update(given)
    try:
        yield
    finally:
        for name, module in given.items():
            if sys.modules.get(name) is module:
                del sys.modules[name]


@contextmanager
def absent(*names: str) -> Iterator[None]:
    """Let what is imported meanwhile find that some modules, which it can do without, are not installed."""
    hidden = [name for name in names if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]  # None is what the import system asks for
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]
