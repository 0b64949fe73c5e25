# SPDX-License-Identifier: GPL-2.0-only
"""Kernels of the user's: images that are there already, and Debian packages.

What they give goes into the cache under a name with a hash of the content, so that a campaign
boots the same bytes in all its slots, whatever happens to the original meanwhile.
"""

import configparser
import io
import os
import re
import struct
import subprocess
import tarfile
import tempfile
from pathlib import Path

import kcache
import kdesc
import ktree
from kerr import Error, UsageError, say

# Where images of the user's are, and who holds this writes there.
PLACE = "imported"
LOCK = "imported.lock"

_BANNER = re.compile(rb"Linux version ([\x21-\x7e]+)[ \0]")
_PVH_NOTE = re.compile(rb"\x04\0\0\0[\x04\x08]\0\0\0\x12\0\0\0Xen\0")
_NOT_FOR_NAMES = re.compile(r"[^A-Za-z0-9.+_-]+")
_FIELD = re.compile(r"^([A-Za-z0-9-]+): (.*)$", re.M)
_SETUP_HEADER = 0x202
_X86_64 = b"\x3e\0"


# --- what a kernel says of itself ---------------------------------------------


def kernel_release(data, name):
    """Return what uname -r will say in a kernel; UsageError if `data` is none that QEMU boots.

    A bzImage points at its version (Documentation/arch/x86/boot.rst, kernel_version). A vmlinux has
    the banner somewhere, and needs the note that tells where it begins for PVH.
    """
    if data[_SETUP_HEADER:_SETUP_HEADER + 4] == b"HdrS":
        at = 0x200 + struct.unpack_from("<H", data, 0x20e)[0]
        words = data[at:at + 256].split(b"\0")[0].split()
        if words and at > 0x200:
            return words[0].decode("ascii", "replace")
        raise UsageError(f"{name}: a bzImage that does not tell its version; expected one of Linux")
    if data[:4] == b"\x7fELF" and data[18:20] == _X86_64:
        banner = _BANNER.search(data)
        if not banner:
            raise UsageError(f"{name}: ELF, but no vmlinux: expected the text 'Linux version'")
        if not _PVH_NOTE.search(data):
            raise UsageError(f"{name}: a vmlinux that QEMU cannot start; expected one with"
                             " CONFIG_PVH=y, or its arch/x86/boot/bzImage")
        return banner[1].decode()
    raise UsageError(f"{name}: not a kernel; expected a bzImage or a vmlinux for x86-64")


# --- images in the cache ------------------------------------------------------


def image_name(name, digest):
    """Return an image id: what it is called, and 12 hex digits."""
    return f"{_NOT_FOR_NAMES.sub('-', name).strip('-.')}-{digest[:12]}"


def find(ident, cache):
    """Return the directory of an image of the user's, or None if it is not there or damaged."""
    image = cache / PLACE / ident
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string((image / "image.conf").read_text())
        facts = parser["image"]
        whole = ktree.file_digest(image / facts["kernel"]) == facts["kernel_sha256"]
    except (OSError, KeyError, configparser.Error):
        return None
    return image if whole else None


def store(ident, files, facts, cache):
    """Write an image: {file name: bytes} and {key: text} of image.conf; return its directory.

    The first file is the kernel. The lock LOCK must be held.
    """
    final = cache / PLACE / ident
    kernel = next(iter(files))
    with kcache.new_dir(final) as new:
        for name, data in files.items():
            kcache.write_synced(new / name, data)
        sums = {"kernel": kernel, "kernel_sha256": ktree.file_digest(new / kernel)}
        if "config" in files:
            sums["config_sha256"] = ktree.file_digest(new / "config")
        kcache.write_synced(new / "image.conf", image_conf({"id": ident, **facts, **sums}).encode())
    return final


def store_view(image, strategy, cache):
    """Return an image that is the runtime image in `image`, told to use `strategy`.

    It holds no kernel of its own. What the kernel says in sysfs is checked when it runs. The lock
    LOCK must be held.
    """
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_string((image / "image.conf").read_text())
    facts = dict(parser["image"])
    kernel = image / facts.get("kernel", "vmlinux")
    ident = f"{image.name}-{strategy.id}"
    with kcache.new_dir(cache / PLACE / ident) as new:
        kcache.write_synced(new / "image.conf", image_conf({
            **facts, "id": ident, "strategy": strategy.id, "kernel": str(kernel),
            "append": strategy.boot, "family": strategy.family, "expect": strategy.expect,
        }).encode())
    return cache / PLACE / ident


def image_conf(facts):
    """Return the text of an image.conf; what is empty is left out."""
    parser = configparser.ConfigParser(interpolation=None)
    parser["image"] = {key: text for key, text in facts.items() if text}
    text = io.StringIO()
    parser.write(text)
    return text.getvalue()


def read(path):
    """Return the bytes of a file of the user's."""
    try:
        return Path(path).read_bytes()
    except OSError as err:
        raise UsageError(f"{path}: {err.strerror}; expected a bzImage or a vmlinux") from None


# --- a file -------------------------------------------------------------------


def import_file(path, cache):
    """Return the image of a bzImage or vmlinux; the configuration beside it comes along."""
    path = Path(path)
    data = read(path)
    release = kernel_release(data, path)
    ident = image_name(path.name, kdesc.sha256(data))
    files = {"kernel": data}
    config = path.with_name(f"config-{release}")
    if config.is_file():
        files["config"] = config.read_bytes()
    with kcache.locked(cache, LOCK):
        return find(ident, cache) or store(
            ident, files, {"release": release, "flavour": "file", "file": str(path.resolve())},
            cache)


# --- a Debian package ---------------------------------------------------------


def find_deb(name, cache, fetch):
    """Return the image of a package or a .deb file; None if it is not there and not to `fetch`."""
    if Path(name).is_file():
        digest, facts = ktree.file_digest(name), {"package": Path(name).name}
    else:
        facts = _package(name)
        digest = facts.pop("sha256")
    ident = image_name(facts["package"].removesuffix(".deb"), digest)
    found = find(ident, cache)
    if found or not fetch:
        return found
    with kcache.locked(cache, LOCK):
        if Path(name).is_file():
            return find(ident, cache) or _store_deb(Path(name), ident, facts, cache)
        with tempfile.TemporaryDirectory(prefix=".deb-", dir=cache) as where:
            return _store_deb(_download(facts, Path(where)), ident, facts, cache)


def _package(name):
    """Return {package, version, sha256} of a package that has a kernel, as apt knows it.

    A package such as linux-image-cloud-amd64 is empty and depends on the one of today.
    """
    for _ in range(3):
        facts = _apt_cache_show(name)
        follow = re.search(r"\b(linux-image-[^\s,(]+)", facts.get("Depends", ""))
        if not follow:
            return {"package": facts["Package"], "version": facts["Version"],
                    "sha256": facts["SHA256"]}
        name = follow[1]
    raise UsageError(f"deb:{name}: only packages that depend on others; name one with a kernel")


def _apt_cache_show(name):
    run = _run("apt-cache", "show", "--no-all-versions", "--", name)
    facts = dict(_FIELD.findall(run.stdout.split("\n\n")[0]))
    if run.returncode or "SHA256" not in facts:
        raise UsageError(f"deb:{name}: apt knows no such package (after apt-get update?); expected"
                         " one such as linux-image-cloud-amd64, or a .deb file")
    return facts


def _run(*command, **options):
    """Run a tool of Debian's and return what became of it, with its output."""
    try:
        return subprocess.run(command, check=False, text=True, capture_output=True,
                              env={**os.environ, "LC_ALL": "C"}, **options)
    except FileNotFoundError:
        raise Error(f"{command[0]} is missing: deb: needs Debian's apt and dpkg") from None


def _download(facts, where):
    """Fetch the package into the directory `where` and return the file."""
    what = f"{facts['package']}={facts['version']}"
    say(f"downloading {what}")
    run = _run("apt-get", "download", "-q", what, cwd=where)
    found = list(where.glob("*.deb"))
    if run.returncode or not found:
        lines = run.stderr.strip().splitlines() or ["no reason given"]
        raise kcache.failure(where, f"cannot download {what}: {lines[-1]}")
    return found[0]


def _store_deb(deb, ident, facts, cache):
    files = _boot_files(deb)
    if "kernel" not in files:
        raise UsageError(f"{deb.name} holds no /boot/vmlinuz-*; expected a package such as"
                         " linux-image-cloud-amd64")
    release = kernel_release(files["kernel"], deb.name)
    facts = {"release": release, "flavour": "deb", **facts, "deb_sha256": ktree.file_digest(deb)}
    say(f"unpacked {ident}")
    return store(ident, files, facts, cache)


def _boot_files(deb):
    """Return {kernel, config: bytes} of those that a package has."""
    kinds = {"vmlinuz": "kernel", "config": "config"}
    files = {}
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", deb], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE) as unpack:
        try:
            with tarfile.open(fileobj=unpack.stdout, mode="r|") as tar:
                for member in tar:
                    kind = kinds.get(Path(member.name).name.partition("-")[0])
                    if kind and member.isfile() and Path(member.name).parent.name == "boot":
                        files[kind] = tar.extractfile(member).read()
        except tarfile.TarError:
            files = {}
        unpack.stdout.read()
        why = unpack.stderr.read().decode(errors="replace").strip().splitlines()
    if unpack.returncode:
        raise UsageError(f"{deb}: no Debian package: {why[-1] if why else 'dpkg-deb failed'};"
                         " expected one with a kernel")
    # The kernel first: it is what image.conf is about.
    return {name: files[name] for name in ("kernel", "config") if name in files}
