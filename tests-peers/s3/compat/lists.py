"""Lists of objects, versions 1 and 2: prefixes, delimiters, markers, pages, encodings, owners."""

from world import Fault, equal, refused, status


def names(answer):
    """Returns keys and common prefixes of an answer."""
    keys = [item["Key"] for item in answer.get("Contents", [])]
    return keys, [item["Prefix"] for item in answer.get("CommonPrefixes", [])]


def both(w, keys, prefixes, **asked):
    """Checks both versions of a list."""
    for call in (w.s3.list_objects, w.s3.list_objects_v2):
        answer = call(Bucket=w.bucket, **asked)
        equal(names(answer), (keys, prefixes), call.__name__)
        for member in ("Prefix", "Delimiter"):
            if asked.get(member):
                equal(answer[member], asked[member], member)
        if not asked.get("Delimiter"):
            equal("Delimiter" in answer, False, "Delimiter")


def test_empty(w):
    both(w, [], [])
    answer = w.s3.list_objects_v2(Bucket=w.bucket)
    equal((answer["KeyCount"], answer["IsTruncated"], answer["MaxKeys"]), (0, False, 1000))


def test_distinct(w):
    other = w.another()
    w.put("asdf")
    equal(names(w.s3.list_objects(Bucket=other)), ([], []))


def test_no_such_bucket(w):
    for call in (w.s3.list_objects, w.s3.list_objects_v2):
        refused(lambda: call(Bucket=w.name()), 404, "NoSuchBucket")


def test_pages(w):
    w.keys("foo", "bar", "baz")
    first = w.s3.list_objects(Bucket=w.bucket, MaxKeys=2)
    equal((names(first)[0], first["IsTruncated"]), (["bar", "baz"], True))
    last = w.s3.list_objects(Bucket=w.bucket, MaxKeys=2, Marker="baz")
    equal((names(last)[0], last["IsTruncated"], last["Marker"]), (["foo"], False, "baz"))


def test_pages_v2(w):
    w.keys("foo", "bar", "baz")
    first = w.s3.list_objects_v2(Bucket=w.bucket, MaxKeys=2)
    equal((names(first)[0], first["IsTruncated"], first["KeyCount"]), (["bar", "baz"], True, 2))
    last = w.s3.list_objects_v2(Bucket=w.bucket, MaxKeys=2, ContinuationToken=first["NextContinuationToken"])
    equal((names(last)[0], last["IsTruncated"], last["ContinuationToken"]), (["foo"], False, first["NextContinuationToken"]))


def test_key_count(w):
    w.keys("foo/a", "foo/b", "quux", "asdf")
    answer = w.s3.list_objects_v2(Bucket=w.bucket, Delimiter="/")
    equal((answer["KeyCount"], names(answer)), (3, (["asdf", "quux"], ["foo/"])))


def test_delimiter(w):
    w.keys("foo/bar", "foo/bar/xyzzy", "quux/thud", "asdf")
    both(w, ["asdf"], ["foo/", "quux/"], Delimiter="/")


def test_delimiters_of_other_characters(w):
    for delimiter in "a% .":
        keys = [f"b{delimiter}ar", f"b{delimiter}az", f"c{delimiter}ab", "foo"]
        w.keys(*keys)
        both(w, ["foo"], [f"b{delimiter}", f"c{delimiter}"], Delimiter=delimiter)
        w.s3.delete_objects(Bucket=w.bucket, Delete={"Objects": [{"Key": key} for key in keys]})


def test_delimiter_that_no_key_has(w):
    w.keys("bar", "baz", "cab", "foo")
    for delimiter in ["\n", "/", ""]:
        both(w, ["bar", "baz", "cab", "foo"], [], Delimiter=delimiter)


def test_prefix_and_delimiter_page_by_page(w):
    w.keys("asdf", "boo/bar", "boo/baz/xyzzy", "cquux/thud", "cquux/bla")

    def pages(prefix, size):
        seen, marker = [], ""
        while True:
            page = w.s3.list_objects(Bucket=w.bucket, Prefix=prefix, Delimiter="/", MaxKeys=size, Marker=marker)
            seen.append((*names(page), page.get("NextMarker")))
            if not page["IsTruncated"]:
                return seen
            marker = page["NextMarker"]

    equal(pages("", 1), [(["asdf"], [], "asdf"), ([], ["boo/"], "boo/"), ([], ["cquux/"], None)])
    equal(pages("", 2), [(["asdf"], ["boo/"], "boo/"), ([], ["cquux/"], None)])
    equal(pages("boo/", 1), [(["boo/bar"], [], "boo/bar"), ([], ["boo/baz/"], None)])
    equal(pages("boo/", 2), [(["boo/bar"], ["boo/baz/"], None)])


def test_prefix_and_delimiter_page_by_page_v2(w):
    w.keys("_obj1_", "_under1/bar", "_under1/baz/xyzzy", "_under2/thud", "_under2/bla")
    for prefix, size, expected in [
        ("", 1, [(["_obj1_"], []), ([], ["_under1/"]), ([], ["_under2/"])]),
        ("", 2, [(["_obj1_"], ["_under1/"]), ([], ["_under2/"])]),
        ("_under1/", 1, [(["_under1/bar"], []), ([], ["_under1/baz/"])]),
        ("_under1/", 2, [(["_under1/bar"], ["_under1/baz/"])]),
    ]:
        pages = w.s3.get_paginator("list_objects_v2").paginate(
            Bucket=w.bucket, Prefix=prefix, Delimiter="/", PaginationConfig={"PageSize": size})
        equal([names(page) for page in pages], expected, prefix)


def test_a_key_that_is_the_prefix(w):
    w.keys("asdf/")
    both(w, ["asdf/"], [], Prefix="asdf/", Delimiter="/")


def test_a_prefix_ends_before_keys_like_it(w):
    keys = ["0/"] + [f"0/{number}" for number in range(100, 130)]
    w.keys(*keys, "1999", "1999#", "1999+", "2000")
    both(w, ["1999", "1999#", "1999+", "2000"], ["0/"], Delimiter="/")


def test_prefixes(w):
    w.keys("foo/bar", "foo/baz", "quux", "\nx")
    both(w, ["foo/bar", "foo/baz"], [], Prefix="foo/")
    both(w, ["quux"], [], Prefix="q")
    both(w, ["\nx", "foo/bar", "foo/baz", "quux"], [], Prefix="")
    both(w, [], [], Prefix="d")


def test_a_prefix_that_is_encoded(w):
    w.keys("\nx", "y")
    both(w, ["\nx"], [], Prefix="\n")


def test_prefixes_with_delimiters(w):
    w.keys("foo/bar", "foo/baz/xyzzy", "quux/thud", "asdf")
    both(w, ["foo/bar"], ["foo/baz/"], Prefix="foo/", Delimiter="/")
    both(w, [], ["foo/"], Prefix="fo", Delimiter="/")
    both(w, [], ["foo/b", ], Prefix="foo/", Delimiter="b")
    both(w, [], [], Prefix="y", Delimiter="b")
    both(w, ["asdf"], [], Prefix="a", Delimiter="z")
    both(w, [], [], Prefix="y", Delimiter="z")


def test_max_keys(w):
    w.keys("bar", "baz", "foo", "quxx")
    for call in (w.s3.list_objects, w.s3.list_objects_v2):
        one = call(Bucket=w.bucket, MaxKeys=1)
        equal((names(one)[0], one["IsTruncated"], one["MaxKeys"]), (["bar"], True, 1))
        none = call(Bucket=w.bucket, MaxKeys=0)
        equal((names(none)[0], none["IsTruncated"]), ([], False), "none")
        every = call(Bucket=w.bucket)
        equal((len(names(every)[0]), every["IsTruncated"], every["MaxKeys"]), (4, False, 1000))


def test_max_keys_that_is_no_number(w):
    for query in ["max-keys=blah", "list-type=2&max-keys=blah", "max-keys=-1"]:
        seen, _, _ = w.signed("GET", f"/{w.bucket}?{query}")
        equal(seen, 400, query)


def test_markers(w):
    w.keys("bar", "baz", "foo", "quxx")
    for marker, keys in [("", ["bar", "baz", "foo", "quxx"]), ("blah", ["foo", "quxx"]), ("zzz", []),
                         ("\n", ["bar", "baz", "foo", "quxx"]), ("foo", ["quxx"])]:
        answer = w.s3.list_objects(Bucket=w.bucket, Marker=marker)
        equal((names(answer)[0], answer["IsTruncated"], answer["Marker"]), (keys, False, marker))
    answer = w.s3.list_objects(Bucket=w.bucket)
    equal(answer["Marker"], "")


def test_start_after(w):
    w.keys("bar", "baz", "foo", "quxx")
    for after, keys in [("blah", ["foo", "quxx"]), ("zzz", []), ("\n", ["bar", "baz", "foo", "quxx"]), ("bar", ["baz", "foo", "quxx"])]:
        answer = w.s3.list_objects_v2(Bucket=w.bucket, StartAfter=after)
        equal((names(answer)[0], answer["StartAfter"]), (keys, after))


def test_a_token_wins_over_start_after(w):
    w.keys("bar", "baz", "foo", "quxx")
    first = w.s3.list_objects_v2(Bucket=w.bucket, StartAfter="bar", MaxKeys=1)
    equal(names(first)[0], ["baz"])
    rest = w.s3.list_objects_v2(Bucket=w.bucket, StartAfter="bar", ContinuationToken=first["NextContinuationToken"])
    equal((names(rest)[0], rest["IsTruncated"]), (["foo", "quxx"], False))


def test_an_empty_token(w):
    w.keys("bar")
    refused(lambda: w.s3.list_objects_v2(Bucket=w.bucket, ContinuationToken=""), 400, "InvalidArgument")


def test_owners(w):
    w.keys("foo")
    version_1 = w.s3.list_objects(Bucket=w.bucket)["Contents"][0]
    equal("Owner" in version_1, True, "version 1")
    for asked, there in [({}, False), ({"FetchOwner": False}, False), ({"FetchOwner": True}, True)]:
        item = w.s3.list_objects_v2(Bucket=w.bucket, **asked)["Contents"][0]
        equal("Owner" in item, there, asked)


def test_items_say_what_heads_say(w):
    w.keys("bar", "foo")
    for item in w.s3.list_objects(Bucket=w.bucket)["Contents"]:
        head = w.s3.head_object(Bucket=w.bucket, Key=item["Key"])
        equal((item["ETag"], item["Size"], item["StorageClass"]), (head["ETag"], head["ContentLength"], "STANDARD"))
        equal(item["LastModified"].replace(microsecond=0), head["LastModified"])


def test_encoding(w):
    w.keys("asdf+b", "foo+1/bar", "foo/bar/xyzzy", "quux ab/thud")
    for list_type in ["", "&list-type=2"]:
        _, _, body = w.signed("GET", f"/{w.bucket}?delimiter=%2F&encoding-type=url{list_type}")
        for text in [b"<EncodingType>url</EncodingType>", b"<Key>asdf%2Bb</Key>", b"<Prefix>foo%2B1/</Prefix>",
                     b"<Prefix>foo/</Prefix>", b"<Prefix>quux%20ab/</Prefix>"]:
            if text not in body:
                raise Fault(f"no {text!r} in {body!r}")


def test_an_encoding_that_is_none(w):
    equal(w.signed("GET", f"/{w.bucket}?encoding-type=base64")[0], 400)


def test_anonymous(w):
    w.keys("foo")
    for query in ["", "?list-type=2"]:
        equal(w.raw("GET", f"/{w.bucket}{query}")[0], 403)


def test_special_prefixes(w):
    w.keys("_bla/1", "_bla/2", "_bla/3", "_bla/4", "abcd")
    both(w, ["_bla/1", "_bla/2", "_bla/3", "_bla/4", "abcd"], [])
    both(w, ["_bla/1", "_bla/2", "_bla/3", "_bla/4"], [], Prefix="_bla/")


def test_versions_of_a_bucket_without_them(w):
    w.keys("a", "b/c", "b/d", "e")
    page = w.s3.list_object_versions(Bucket=w.bucket, MaxKeys=2)
    equal([(item["Key"], item["VersionId"], item["IsLatest"]) for item in page["Versions"]],
          [("a", "null", True), ("b/c", "null", True)])
    equal((page["IsTruncated"], page["NextKeyMarker"]), (True, "b/c"))
    rest = w.s3.list_object_versions(Bucket=w.bucket, KeyMarker="b/c", VersionIdMarker=page["NextVersionIdMarker"])
    equal([item["Key"] for item in rest["Versions"]], ["b/d", "e"])
    answer = w.s3.list_object_versions(Bucket=w.bucket, Delimiter="/")
    equal([item["Prefix"] for item in answer["CommonPrefixes"]], ["b/"])


def test_a_page_of_a_thousand(w):
    keys = [{"Key": f"{number:04}"} for number in range(1001)]
    refused(lambda: w.s3.delete_objects(Bucket=w.bucket, Delete={"Objects": keys}), 400, "MalformedXML")
    answer = w.s3.delete_objects(Bucket=w.bucket, Delete={"Objects": keys[:1000]})
    equal((status(answer), len(answer["Deleted"])), (200, 1000))
