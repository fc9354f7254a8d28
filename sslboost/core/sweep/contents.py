"""Names by contents: equal in every process for equal functions and objects, else different."""

import copyreg
import functools
import hashlib
import importlib
import inspect
import sys
import types
from pathlib import Path

import numpy as np

_SCALARS = (type(None), bool, int, float, complex, str, bytes)


def digest(value, *, code=True):
    """Return 32 hexadecimal digits that change with what a function or an object holds.

    Numbers, text, containers and arrays count by their values, a function by its name, defaults,
    closure and attributes (and so by what it wraps) and by the numbers, text and functions of its
    module that it uses, an object by its class and by the state that pickle would keep, but for
    cached properties. What is read from files or from other modules does not count.

    Parameters
    ----------
    value : object
    code : bool
        Whether the code of functions and the files that define functions and classes count, and
        what cannot be named by contents is refused. False where the caller's word, as a version,
        stands for both.

    Returns
    -------
    str

    Raises
    ------
    ValueError
        With ``code``, if something has no contents to go by: an open file, a lock, a class that a
        function defined, code without a file.
    """
    if not isinstance(code, bool):
        raise ValueError(f"code must be True or False, got {code!r:.200}")
    try:
        return _Reader(code).read(value).hex()[:32]
    except RecursionError as error:
        raise ValueError(f"a {type(value).__name__} is nested too deeply") from error


def code_version(*modules):
    """Return 16 hexadecimal digits that change with the source of the named modules.

    Parameters
    ----------
    *modules : module or str
        A package stands for every Python file below it.

    Returns
    -------
    str

    Raises
    ------
    ValueError
        If there is nothing to read.
    """
    if not modules:
        raise ValueError("modules must name at least one, got none")
    digest = hashlib.sha256()
    for module in map(_module, modules):
        root = Path(module.__file__)
        is_package = hasattr(module, "__path__")
        for path in sorted(root.parent.rglob("*.py")) if is_package else [root]:
            name = module_name(module.__name__)
            digest.update(f"{name}/{path.relative_to(root.parent)}\0".encode())
            digest.update(path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def module_name(name):
    """Return the name of a module; the main module's is the one it would be imported by.

    Parameters
    ----------
    name : str

    Returns
    -------
    str

    Raises
    ------
    ValueError
        If it is no text.
    """
    if not isinstance(name, str):
        raise ValueError(f"name must be text, got {name!r:.200}")
    if name != "__main__":
        return name
    main = sys.modules[name]
    if getattr(main, "__spec__", None):
        return main.__spec__.name
    return Path(getattr(main, "__file__", None) or name).stem


def _module(module):
    try:
        found = importlib.import_module(module) if isinstance(module, str) else module
    except (ImportError, TypeError, ValueError) as error:
        raise ValueError(f"modules must be there to import, got {module!r}: {error}") from error
    file = getattr(found, "__file__", None)
    if not inspect.ismodule(found) or file is None or not Path(file).is_file():
        raise ValueError(f"modules must have source files, got {module!r}")
    return found


class _Reader:
    """One reading of a value: what it has read so far, and the objects it is inside of."""

    def __init__(self, code):
        self.code = code
        self.files = {}
        self.known = {}
        self.inside = []

    def read(self, value):
        kind = type(value)
        if kind in _SCALARS:
            return _hash(kind.__name__, _bytes(value))
        if id(value) in self.inside:
            return _hash("again", str(self.inside.index(id(value))))
        if id(value) not in self.known:
            self.inside.append(id(value))
            # With the value, so that no other gets its id while this reading lasts.
            self.known[id(value)] = self._read(value), value
            self.inside.pop()
        return self.known[id(value)][0]

    def _read(self, value):
        kind = type(value)
        if kind in (tuple, list):
            return _hash(kind.__name__, *map(self.read, value))
        if kind in (set, frozenset):
            return _hash(kind.__name__, *sorted(map(self.read, value)))
        if kind is dict:
            pairs = (self.read(name) + self.read(held) for name, held in value.items())
            return _hash("dict", *sorted(pairs))
        if kind is np.ndarray:
            return self._array(value)
        if kind is types.FunctionType:
            return self._function(value)
        if kind is types.CodeType:
            return self._code(value)
        if kind is types.MethodType:
            return _hash("method", self.read(value.__func__), self.read(value.__self__))
        if kind is types.ModuleType:
            return _hash("module", value.__name__, self._file(getattr(value, "__file__", None)))
        if isinstance(value, type):
            return self._class(value)
        if kind.__module__.partition(".")[0] == "torch" and hasattr(value, "detach"):
            return self._tensor(value)
        return self._object(value)

    def _array(self, array):
        apart = array.dtype.hasobject or array.dtype.kind == "T"  # memory holds addresses only
        values = self.read(array.tolist()) if apart else array.tobytes()
        return _hash("array", repr(array.dtype), str(array.shape), values)

    def _tensor(self, tensor):
        try:
            array = np.asarray(tensor.detach().cpu())
        except TypeError as error:
            return self._unnamed(tensor, f"has no array: {error}")
        return _hash("tensor", _place(type(tensor)), self.read(array))

    def _function(self, function):
        near, names = function.__globals__, sorted(_names(function.__code__))
        used = {name: near[name] for name in names if _counts(name, near)}
        held = [function.__defaults__, function.__kwdefaults__, vars(function), used]
        held += _closure(function)
        if self.code or "<" in function.__qualname__:  # such a name is not one function's alone
            held.append(function.__code__)
        file = self._file(function.__code__.co_filename)
        return _hash("function", _place(function), file, *map(self.read, held))

    def _code(self, code):
        parts = [code.co_code, code.co_consts, code.co_names, code.co_varnames, code.co_freevars]
        parts += [code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags]
        return _hash("code", *map(self.read, parts))

    def _class(self, cls):
        if "<" in cls.__qualname__:
            return self._unnamed(cls, "is a class that a function defined")
        parts = []
        for base in cls.__mro__:
            plain = {n: v for n, v in vars(base).items() if type(v) in _SCALARS and n[:2] != "__"}
            parts += [_place(base), self.read(plain)]
            if file := _file_of(base):
                parts.append(self._file(file))
            else:
                methods = {n: v for n, v in vars(base).items() if type(v) is types.FunctionType}
                parts.append(self.read(methods))
        return _hash("class", *parts)

    def _object(self, value):
        kind = type(value)
        try:
            known = copyreg.dispatch_table.get(kind)
            reduced = known(value) if known else value.__reduce_ex__(4)
        except Exception as error:  # what an object says against it is its own affair
            return self._unnamed(value, f"cannot be pickled: {error!r:.200}")
        if isinstance(reduced, str):  # its name in a module
            wrapped = getattr(value, "__wrapped__", None)
            return _hash("named", _place(value), reduced, self.read(wrapped))
        make, arguments, state, items, pairs = (*reduced, None, None, None)[:5]
        if isinstance(state, dict):
            state = {n: v for n, v in state.items() if not _is_cached(kind, n)}
        parts = [kind, make, arguments, state, list(items or ()), list(pairs or ())]
        call = inspect.getattr_static(kind, "__call__", None)
        parts.append(call if isinstance(call, types.FunctionType) else None)
        return _hash("object", *map(self.read, parts))

    def _file(self, file):
        if not self.code or not file or file.startswith("<frozen"):
            return ""
        if file not in self.files:
            try:
                self.files[file] = hashlib.sha256(Path(file).read_bytes()).digest()
            except OSError as error:
                raise ValueError(f"no file defines its code, {file} cannot be read") from error
        return self.files[file]

    def _unnamed(self, value, why):
        if self.code:
            raise ValueError(f"{value!r:.200} {why}")
        return _hash("unnamed", _place(type(value)))


def _hash(*parts):
    """Digest of text and bytes, each with its length, so that no two lists of them agree."""
    whole = hashlib.sha256()
    for part in parts:
        part = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part
        whole.update(len(part).to_bytes(8, "big"))
        whole.update(part)
    return whole.digest()


def _bytes(scalar):
    if isinstance(scalar, str | bytes):
        return scalar
    if isinstance(scalar, complex):
        return f"{scalar.real.hex()} {scalar.imag.hex()}"
    if isinstance(scalar, float):
        return scalar.hex()
    return "" if scalar is None else f"{int(scalar):x}"


def _place(thing):
    """Module and name of a function, a class or what passes for one."""
    name = getattr(thing, "__qualname__", type(thing).__qualname__)
    return f"{module_name(str(getattr(thing, '__module__', None)))}.{name}"


def _names(code):
    """Names of globals, and of attributes, that code and the code inside it uses."""
    inner = (_names(part) for part in code.co_consts if isinstance(part, types.CodeType))
    return set(code.co_names).union(*inner)


def _counts(name, near):
    """Whether a global of a module is a number, text, or a function of the same module."""
    value = near.get(name, near)
    own = type(value) is types.FunctionType and value.__globals__ is near
    return own or (type(value) in _SCALARS and not name.startswith("__"))


def _closure(function):
    for cell in function.__closure__ or ():
        try:
            yield cell.cell_contents
        except ValueError:  # nothing was assigned to it yet
            yield NotImplemented


def _file_of(cls):
    try:
        return inspect.getsourcefile(cls)
    except (OSError, TypeError):  # written in C, or in a session without a file
        return None


def _is_cached(kind, name):
    return isinstance(inspect.getattr_static(kind, name, None), functools.cached_property)
