#!/usr/bin/env python3
"""Makes hostile and odd mp4 files out of good ones, by editing boxes.

usage: make_broken.py CLIPS FOLDER

Every file is small on disk; the one that claims to be large is sparse. FOLDER/expected.tsv has one line for each:
its name, what an edge does with it (served, refused, or either where both are right), and why.
"""
import os
import struct
import sys

SAMPLE_TABLES = "moov/trak/mdia/minf/stbl/"


def boxes(data, start, end):
    """Yields (type, start, size of the head, size) of the boxes between two places."""
    while start + 8 <= end:
        size, kind = struct.unpack(">I4s", data[start : start + 8])
        head = 8
        if size == 1:
            (size,) = struct.unpack(">Q", data[start + 8 : start + 16])
            head = 16
        if size == 0:
            size = end - start
        if size < head or start + size > end:
            return
        yield kind.decode("latin-1"), start, head, size
        start += size


def find(data, path):
    """A path is like `moov/trak#1/mdia`; returns (start, size of the head, size)."""
    start, end = 0, len(data)
    for step in path.split("/"):
        kind, _, number = step.partition("#")
        found = [box for box in boxes(data, start, end) if box[0] == kind]
        _, place, head, size = found[int(number or 0)]
        start, end = place + head, place + size
    return place, head, size


def part(data, path):
    """A whole box, head included."""
    place, _, size = find(data, path)
    return data[place : place + size]


def overwritten(data, path, offset, new):
    """With other bytes somewhere in the body of a box."""
    place, head, _ = find(data, path)
    at = place + head + offset
    return data[:at] + new + data[at + len(new) :]


def replaced(data, path, new):
    """With another box in the place of one. Only for files whose index is last: chunk offsets stay as they are."""
    place, _, size = find(data, path)
    result = bytearray(data[:place] + new + data[place + size :])
    steps = path.split("/")
    for depth in range(1, len(steps)):
        parent, _, parent_size = find(data, "/".join(steps[:depth]))
        result[parent : parent + 4] = integers(parent_size + len(new) - size)
    return bytes(result)


def integers(*values):
    return struct.pack(f">{len(values)}I", *values)


def box(kind, body):
    return struct.pack(">I4s", len(body) + 8, kind.encode()) + body


def table(kind, *values):
    """A full box of version 0 with 32-bit numbers."""
    return box(kind, integers(0, *values))


def with_table(data, kind, *values):
    return replaced(data, SAMPLE_TABLES + kind, table(kind, *values))


def write(folder, cases):
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "expected.tsv"), "w", encoding="utf-8") as expected:
        for name, data, expectation, why in cases:
            with open(os.path.join(folder, name), "wb") as file:
                file.write(data)
            print(name, expectation, why, sep="\t", file=expected)


def cut_off(first, last):
    """Files that end too early, and files that are none. In `first` the index stands first, in `last` last."""
    index, _, index_size = find(first, "moov")
    media, _, media_size = find(first, "mdat")
    end_index, _, end_index_size = find(last, "moov")
    yield "empty.mp4", b"", "refused", "no byte"
    yield "seven_bytes.mp4", first[:7], "refused", "not even a box"
    yield "text.mp4", b"<html>not a video</html>\n" * 50, "refused", "a page that was saved under this name"
    yield "ftyp_only.mp4", first[:index], "refused", "no index"
    yield "no_moov.mp4", last[:end_index], "refused", "no index"
    yield "cut_in_moov.mp4", first[: index + index_size // 2], "refused", "the index is truncated"
    yield "cut_in_last_moov.mp4", last[: end_index + end_index_size // 2], "refused", "the index is truncated"
    yield "cut_in_mdat.mp4", first[: media + media_size // 2], "either", "half of the media is not there"


def box_sizes(first, last):
    index = find(first, "moov")[0]
    media = find(first, "mdat")[0]
    end_index = find(last, "moov")[0]
    yield "moov_size_0.mp4", last[:end_index] + integers(0) + last[end_index + 4 :], "served", "0 is to the end of the file"
    yield "moov_size_huge.mp4", first[:index] + integers(0xFFFFFFF0) + first[index + 4 :], "refused", "larger than the file"
    yield "box_size_4.mp4", first[:index] + integers(4) + first[index + 4 :], "refused", "smaller than its head: a loop"
    largest = struct.pack(">I4sQ", 1, b"free", 2**64 - 8)
    yield "box_size_largest.mp4", first[:index] + largest + first[index:], "refused", "an addition that overflows"
    between = box("free", b"\xff" * 70000) + box("skip", b"") + box("uuid", b"\0" * 24)
    yield "moved_media.mp4", first[:index] + between + first[index:media] + first[media:], "either", "the offsets no longer fit"
    yield "two_moovs.mp4", last + part(last, "moov"), "either", "the first one counts"


def nesting(first, last):
    index = find(first, "moov")[0]
    nested = b""
    for _ in range(200):
        nested = box("moov", nested)
    yield "nested_200.mp4", first[:index] + nested, "refused", "a box in a box in a box"
    depth = 100000
    deep = b"".join(struct.pack(">I4s", 8 * (depth - at), b"trak") for at in range(depth))
    yield "nested_100000.mp4", first[:index] + box("moov", deep), "refused", "a stack that overflows"
    tracks = part(last, "moov/mvhd") + part(last, "moov/trak") * 500
    yield "many_tracks.mp4", last[: find(last, "moov")[0]] + box("moov", tracks), "refused", "500 tracks"


def tables(first, last):
    """Tables that contradict themselves, each other or the file."""
    place, head, _ = find(last, SAMPLE_TABLES + "stsz")
    (samples,) = struct.unpack(">I", last[place + head + 8 : place + head + 12])
    place, head, _ = find(last, SAMPLE_TABLES + "stco")
    (chunks,) = struct.unpack(">I", last[place + head + 4 : place + head + 8])
    huge = 0xFFFFFFFF
    yield "stsz_4_thousand_million.mp4", with_table(last, "stsz", 1, huge), "refused", "20 bytes that ask for gigabytes"
    yield "stts_4_thousand_million.mp4", with_table(last, "stts", 1, huge, 1), "refused", "more times than samples"
    lie = overwritten(last, SAMPLE_TABLES + "stts", 4, integers(huge))
    yield "stts_count_lie.mp4", lie, "refused", "more entries than the box has room for"
    yield "stts_duration_huge.mp4", with_table(last, "stts", 1, samples, huge), "either", "no overflow"
    yield "stts_duration_0.mp4", with_table(last, "stts", 1, samples, 0), "refused", "it takes no time"
    yield "ctts_negative.mp4", with_table(last, "ctts", 1, samples, 2**32 - 512), "either", "a sign in version 0, as found in the wild"
    yield "stsc_chunk_0.mp4", with_table(last, "stsc", 1, 0, 1, 1), "refused", "chunks are counted from 1"
    yield "stsc_falling.mp4", with_table(last, "stsc", 2, 5, 1, 1, 1, 1, 1), "refused", "chunks rise"
    yield "stsc_4_thousand_million.mp4", with_table(last, "stsc", 1, 1, huge, 1), "refused", "more samples than there are"
    yield "stss_empty.mp4", with_table(last, "stss", 0), "either", "no key frame"
    yield "stss_past_end.mp4", with_table(last, "stss", 2, 1, 99999999), "either", "a key frame behind the end"
    yield "stco_past_end.mp4", with_table(last, "stco", chunks, *[0xFFFFFFF0] * chunks), "refused", "media behind the end"
    yield "stco_overlapping.mp4", with_table(last, "stco", chunks, *[0] * chunks), "either", "the same bytes again and again"
    track_time = overwritten(last, "moov/trak/mdia/mdhd", 12, integers(0))
    yield "timescale_0.mp4", track_time, "refused", "a division by zero"
    video_time = overwritten(last, "moov/mvhd", 12, integers(0))
    yield "movie_timescale_0.mp4", video_time, "either", "a division by zero"
    far = box("edts", table("elst", 1, 60000, 2**31 - 1, 0x10000))
    yield "edit_huge.mp4", replaced(last, "moov/trak/edts", far), "refused", "it begins after the end"
    two = box("edts", table("elst", 2, 5000, 0, 0x10000, 5000, 12288 * 10, 0x10000))
    yield "two_edits.mp4", replaced(last, "moov/trak/edts", two), "either", "several edits are not supported"
    yield "no_decoder.mp4", first.replace(b"avcC", b"avcX", 1), "refused", "nobody can decode it"


def write_sparse(folder, last):
    """A video of 5 GiB that takes 2 MB on disk: a hole, then the media, then an index with 64-bit offsets."""
    hole = 5 << 30
    start = part(last, "ftyp") + struct.pack(">I4sQ", 1, b"free", hole)
    media = find(last, "mdat")[0]
    begin = len(part(last, "ftyp")) + hole
    index = part(last, "moov")
    for track in range(2):
        path = f"moov/trak#{track}/mdia/minf/stbl/stco"
        place, head, _ = find(index, path)
        (count,) = struct.unpack(">I", index[place + head + 4 : place + head + 8])
        offsets = struct.unpack(f">{count}I", index[place + head + 8 : place + head + 8 + 4 * count])
        moved = [offset + begin - media for offset in offsets]
        body = integers(0, count) + struct.pack(f">{count}Q", *moved)
        index = replaced(index, path, box("co64", body))
    with open(os.path.join(folder, "5_gib.mp4"), "wb") as file:
        file.write(start)
        file.seek(begin)
        file.write(part(last, "mdat") + index)
    with open(os.path.join(folder, "expected.tsv"), "a", encoding="utf-8") as expected:
        print("5_gib.mp4", "served", "offsets of 64 bits behind a hole", sep="\t", file=expected)


def main():
    clips, folder = sys.argv[1:]
    read = lambda name: open(os.path.join(clips, name), "rb").read()
    first, last = read("brief.mp4"), read("brief_moov_end.mp4")
    groups = [cut_off, box_sizes, nesting, tables]
    write(folder, [case for group in groups for case in group(first, last)])
    write_sparse(folder, last)


main()
