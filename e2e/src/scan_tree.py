# SPDX-License-Identifier: Apache-2.0
"""Lists a directory tree, one JSON object a line, sorted by path: an implementation apart from the code under test.

usage: scan_tree.py DIRECTORY
"""
import base64, hashlib, json, os, stat, sys


def describe(root, path, links):
    full = os.path.join(root, path) if path else root
    st = os.lstat(full)
    row = {
        "path": base64.b64encode(path).decode(),
        "name": path.decode(errors="backslashreplace"),
        "mode": oct(st.st_mode), "uid": st.st_uid, "gid": st.st_gid, "mtime": int(st.st_mtime),
        "xattrs": {x: base64.b64encode(os.getxattr(full, x, follow_symlinks=False)).decode()
                   for x in sorted(os.listxattr(full, follow_symlinks=False))},
    }
    if stat.S_ISREG(st.st_mode):
        digest = hashlib.sha256()
        with open(full, "rb") as f:
            while block := f.read(1 << 20):
                digest.update(block)
        row.update(size=st.st_size, sha256=digest.hexdigest(), nlink=st.st_nlink)
        if st.st_nlink > 1:
            row["same_as"] = links.setdefault((st.st_dev, st.st_ino), row["name"])
    elif stat.S_ISLNK(st.st_mode):
        row["target"] = base64.b64encode(os.readlink(full)).decode()
    elif stat.S_ISCHR(st.st_mode) or stat.S_ISBLK(st.st_mode):
        row["rdev"] = [os.major(st.st_rdev), os.minor(st.st_rdev)]
    return row


def walk(root, path, links, out):
    row = describe(root, path, links)
    if path:
        out.write(json.dumps(row, sort_keys=True) + "\n")
    if stat.S_ISDIR(int(row["mode"], 8)):
        for name in sorted(os.listdir(os.path.join(root, path) if path else root)):
            walk(root, os.path.join(path, name) if path else name, links, out)


walk(os.fsencode(sys.argv[1]), b"", {}, sys.stdout)
