"""Programs where every uid can execute them: those of the build, or copies where a folder above the build
(/root, a home of mode 0700) lets only its owner pass."""
import atexit
import os
import shutil
import stat
import tempfile

BUILD = os.environ["IA_BUILD"]
_copies = {}


def _open_to_all(path):
    """Can any uid come to the file?"""
    path = os.path.realpath(path)
    if not os.stat(path).st_mode & stat.S_IXOTH:
        return False
    while path != "/":
        path = os.path.dirname(path)
        if not os.stat(path).st_mode & stat.S_IXOTH:
            return False
    return True


def program(path):
    """The program itself, or its copy, removed with this process."""
    if _open_to_all(path):
        return path
    if not _copies:
        _copies[""] = tempfile.mkdtemp(prefix="iapp-programs-")
        os.chmod(_copies[""], 0o755)
        atexit.register(shutil.rmtree, _copies[""], ignore_errors=True)
    if path not in _copies:
        _copies[path] = os.path.join(_copies[""], os.path.basename(path))
        shutil.copy2(os.path.realpath(path), _copies[path])
        os.chmod(_copies[path], 0o755)
    return _copies[path]


def iapp():
    return program(os.path.join(BUILD, "iapp"))


def guest():
    return program(os.path.join(BUILD, "src/guest/iapp-guest"))
