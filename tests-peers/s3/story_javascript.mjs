// The AWS SDK for JavaScript puts, gets, lists, signs and deletes. Settings come by standard input.

import { CreateBucketCommand, DeleteBucketCommand, DeleteObjectCommand, GetObjectCommand, ListObjectsV2Command,
  PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import { strict as assert } from "node:assert";
import { readFileSync } from "node:fs";
import { Readable } from "node:stream";

const given = JSON.parse(readFileSync(0, "utf8"));
const credentials = { accessKeyId: given.access_key_id, secretAccessKey: given.secret_access_key };
const client = new S3Client({ endpoint: given.endpoint, region: "us-east-1", credentials, forcePathStyle: true });
const Bucket = "story-javascript";
await client.send(new CreateBucketCommand({ Bucket }));
await client.send(new PutObjectCommand({ Bucket, Key: "a b/é+.txt", Body: "hello", Metadata: { a: "b" } }));
const stream = Readable.from([Buffer.from("in "), Buffer.from("pieces")]);
await client.send(new PutObjectCommand({ Bucket, Key: "stream", Body: stream, ContentLength: 9 }));
const got = await client.send(new GetObjectCommand({ Bucket, Key: "a b/é+.txt" }));
assert.equal(await got.Body.transformToString(), "hello");
assert.deepEqual(got.Metadata, { a: "b" });
const listed = await client.send(new ListObjectsV2Command({ Bucket }));
assert.deepEqual(listed.Contents.map((item) => item.Key), ["a b/é+.txt", "stream"]);
const url = await getSignedUrl(client, new PutObjectCommand({ Bucket, Key: "signed" }));
assert.equal((await fetch(url, { method: "PUT", body: "signed" })).status, 200);
const link = await getSignedUrl(client, new GetObjectCommand({ Bucket, Key: "signed" }));
assert.equal(await (await fetch(link)).text(), "signed");
await assert.rejects(client.send(new GetObjectCommand({ Bucket, Key: "nope" })), { name: "NoSuchKey" });
for (const Key of ["a b/é+.txt", "stream", "signed"]) {
  await client.send(new DeleteObjectCommand({ Bucket, Key }));
}
await client.send(new DeleteBucketCommand({ Bucket }));
console.log("end");
