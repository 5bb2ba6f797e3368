"""A look over the groups of an HDF5 file before the HDF5 library follows them.

The library trusts some links within a file: a free list or a tree of names that leads back to
itself makes it run, and allocate, for ever. Files of the first format, which h5py and Keras write,
are walked here; those of newer formats have checksums.

HDF5 File Format Specification Version 3.0, sections II.A, III.A, III.B, III.D, III.E, IV.A.
"""

from __future__ import annotations

import os
import struct
from typing import Any

SIGNATURE = b"\x89HDF\r\n\x1a\n"
#: Address or offset that stands for none.
_NONE = (1 << 64) - 1
_END_OF_FREE_LIST = 1
_CONTINUATION, _SYMBOL_TABLE, _LAYOUT, _ATTRIBUTE = 0x10, 0x11, 0x08, 0x0C
#: Classes of types: numbers, times, texts, bits, opaque, references, enumerations; variable length.
_SIMPLE, _VARIABLE_LENGTH = (0, 1, 2, 3, 4, 5, 7, 8), 9
_GROUP_NODE, _CHUNK_NODE = 0, 1
#: Tables, nodes and headers of one file.
_PARTS = 1_000_000


def check(source: Any) -> None:
    """Raise ValueError if the groups of a file lead out of it, or back to themselves.

    Parameters
    ----------
    source : path or binary file object
    """
    if isinstance(source, str):
        with open(source, "rb") as file:
            _check(file)
    else:
        _check(source)
        source.seek(0)


def _check(file: Any) -> None:
    size = file.seek(0, os.SEEK_END)
    walk = _Walk(file, size)
    head = walk.read(0, min(size, 96))
    if head[:8] != SIGNATURE:
        raise ValueError("it does not begin like one")
    if head[8] != 0:
        return  # a newer format: the library compares checksums
    if len(head) < 96 or head[13] != 8 or head[14] != 8:
        raise ValueError("its head is damaged")
    try:
        walk.all_from(struct.unpack_from("<Q", head, 64)[0])
    except (struct.error, IndexError) as error:
        raise ValueError(f"its structure is damaged: {error}") from None


class _Walk:
    """Goes through the parts of a file, each once."""

    def __init__(self, file: Any, size: int) -> None:
        self._file = file
        self._size = size
        self._seen: set[int] = set()
        self._todo: list[tuple[Any, tuple[int, ...]]] = []

    def read(self, address: int, count: int) -> bytes:
        if not 0 <= address <= address + count <= self._size:
            raise ValueError(f"something lies behind its end, at {address}")
        self._file.seek(address)
        data: bytes = self._file.read(count)
        return data

    def all_from(self, address: int) -> None:
        self._todo = [(self._object, (address,))]
        while self._todo:
            part, arguments = self._todo.pop()
            part(*arguments)

    def _once(self, address: int, what: str) -> None:
        if address in self._seen:
            raise ValueError(f"the {what} at {address} is part of it twice")
        if len(self._seen) > _PARTS:
            raise ValueError(f"it has more than {_PARTS} parts")
        self._seen.add(address)

    def _object(self, address: int) -> None:
        """Go through the messages of an object: a group or a data set."""
        if address in self._seen:
            return  # a second name for it
        self._once(address, "object")
        version, count, _, size = struct.unpack("<BxHII", self.read(address, 12))
        if version != 1:
            return  # of the newer format, with a checksum
        blocks = [(address + 16, size)]
        for start, length in blocks:
            data = self.read(start, length)
            at = 0
            while at + 8 <= length and count:
                kind, width = struct.unpack_from("<HH", data, at)
                body = data[at + 8 : at + 8 + width]
                if len(body) < width:
                    raise ValueError(f"the object at {address} has a message that is cut off")
                if kind == _CONTINUATION:
                    more = struct.unpack_from("<QQ", body)
                    self._once(more[0], "continuation")
                    blocks.append(more)
                elif kind == _SYMBOL_TABLE:
                    tree, heap = struct.unpack_from("<QQ", body)
                    self._todo += [(self._heap, (heap,)), (self._node, (tree, _GROUP_NODE, 0))]
                elif kind == _ATTRIBUTE:
                    self._attribute(address, body)
                elif kind == _LAYOUT and body[:2] == b"\x03\x02":  # version 3, chunked
                    (tree,) = struct.unpack_from("<Q", body, 3)
                    if tree != _NONE:
                        self._todo.append((self._node, (tree, _CHUNK_NODE, 8 * body[2] + 8)))
                at += 8 + width
                count -= 1

    def _attribute(self, address: int, body: bytes) -> None:
        """Note where an attribute's texts of variable length are kept."""
        version, shared = body[0], body[1]
        sizes = struct.unpack_from("<HHH", body, 2)
        at = 8 if version < 3 else 9
        starts = []
        for size in sizes:
            starts.append(at)
            at += -(-size // 8) * 8 if version == 1 else size
        if not 1 <= version <= 3 or (shared and version > 1) or at > len(body):
            raise ValueError(f"the object at {address} has a damaged attribute")
        kind = body[starts[1]] & 15
        if kind == _VARIABLE_LENGTH:
            for i in range(at, len(body) - 15, 16):
                length, collection = struct.unpack_from("<IQ", body, i)
                if length > self._size:
                    raise ValueError(f"the object at {address} has a damaged attribute")
                if collection not in (0, _NONE):
                    self._todo.append((self._collection, (collection,)))
        elif kind not in _SIMPLE:
            raise ValueError(f"the object at {address} has an attribute of a type without use here")

    def _collection(self, address: int) -> None:
        """Go through the texts that are kept in one place."""
        if address in self._seen:
            return
        self._once(address, "collection")
        head = self.read(address, 16)
        (size,) = struct.unpack_from("<Q", head, 8)
        if head[:4] != b"GCOL" or head[4] != 1:
            raise ValueError(f"there is no collection of texts at {address}")
        data = self.read(address, size)
        at = 16
        while at + 16 <= size:
            index, width = struct.unpack_from("<HxxxxxxQ", data, at)
            # Number 0 is what is free, with its own head.
            step = width if index == 0 else 16 + -(-width // 8) * 8
            if step < 16 or at + step > size:
                raise ValueError(f"the collection of texts at {address} is damaged")
            at += step

    def _heap(self, address: int) -> None:
        """Go through the free list of a heap of names."""
        if address in self._seen:
            return
        self._once(address, "heap")
        head = self.read(address, 32)
        if head[:4] != b"HEAP":
            raise ValueError(f"there is no heap at {address}")
        size, free, start = struct.unpack_from("<QQQ", head, 8)
        data = self.read(start, size)
        seen = set()
        while free not in (_END_OF_FREE_LIST, _NONE):
            if free in seen or free + 16 > size:
                raise ValueError(f"the free list of the heap at {address} is damaged")
            seen.add(free)
            free, width = struct.unpack_from("<QQ", data, free)
            if width > size:
                raise ValueError(f"the free list of the heap at {address} is damaged")

    def _node(self, address: int, kind: int, key: int, above: int = 256) -> None:
        """Go through a node of a tree of names or of chunks, which is below level `above`."""
        self._once(address, "node")
        head = self.read(address, 24)
        if head[:4] != b"TREE" or head[4] != kind or head[5] >= above:
            raise ValueError(f"the node at {address} is damaged")
        level, (entries,) = head[5], struct.unpack_from("<H", head, 6)
        step = (8 if kind == _GROUP_NODE else key) + 8
        data = self.read(address + 24, entries * step)
        for i in range(entries):
            (child,) = struct.unpack_from("<Q", data, (i + 1) * step - 8)
            if level:
                self._todo.append((self._node, (child, kind, key, level)))
            elif kind == _GROUP_NODE:
                self._todo.append((self._names, (child,)))

    def _names(self, address: int) -> None:
        """Go to the objects that a table of names lists."""
        self._once(address, "table")
        head = self.read(address, 8)
        if head[:4] != b"SNOD":
            raise ValueError(f"there is no table of names at {address}")
        (count,) = struct.unpack_from("<H", head, 6)
        data = self.read(address + 8, 40 * count)
        for i in range(count):
            _, header, cached = struct.unpack_from("<QQI", data, 40 * i)
            if cached != 2:  # a soft link, which is refused when it is met
                self._todo.append((self._object, (header,)))
            if cached == 1:
                self._todo.append((self._heap, struct.unpack_from("<Q", data, 40 * i + 32)))
