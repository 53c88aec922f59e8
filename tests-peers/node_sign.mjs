// Signs with @aws-sdk/cloudfront-signer. The contract is in README.md.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const modules =
  process.env.PRIVET_TEST_NODE_MODULES ?? join(here, "../target/test-tools/node/node_modules");
const require = createRequire(join(resolve(modules), "anchor.js"));
const { getSignedUrl, getSignedCookies } = require("@aws-sdk/cloudfront-signer");

const moment = (seconds) => new Date(seconds * 1000);

function answer(wish) {
  if (wish.resource) return { unsupported: "this signer takes no resource apart from the URL" };
  const input = {
    keyPairId: wish.key_pair_id,
    privateKey: readFileSync(wish.key_file),
    algorithm: wish.hash ?? "SHA1",
  };
  if (wish.url) input.url = wish.url;
  if (wish.policy) {
    input.policy = wish.policy;
  } else {
    input.dateLessThan = moment(wish.expires);
    if (wish.not_before != null) input.dateGreaterThan = moment(wish.not_before);
    if (wish.ip) input.ipAddress = wish.ip;
  }
  if (!wish.cookies) return { url: getSignedUrl(input) };
  const cookies = Object.entries(getSignedCookies(input)).filter(([, value]) => value !== undefined);
  return { cookies: Object.fromEntries(cookies.map(([name, value]) => [name, String(value)])) };
}

for await (const line of createInterface({ input: process.stdin })) {
  if (!line.trim()) continue;
  let result;
  try {
    result = answer(JSON.parse(line));
  } catch (error) {
    // Whatever the signer threw is its answer.
    result = { error: `${error.name}: ${error.message}` };
  }
  console.log(JSON.stringify(result));
}
