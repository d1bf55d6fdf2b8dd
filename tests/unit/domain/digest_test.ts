import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import fc from "fast-check";
import {
  base32,
  base64url,
  fromBase64url,
  sha1Of,
  sha256Of,
  utf8,
} from "../../../src/domain/digest.ts";

const hex = (bytes: Uint8Array): string =>
  [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");

Deno.test("sha1Of() and sha256Of() give the vectors of FIPS 180", () => {
  assert.equal(hex(sha1Of(utf8("abc"))), "a9993e364706816aba3e25717850c26c9cd0d89d");
  assert.equal(
    hex(sha256Of("abc")),
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
  );
  assert.equal(
    hex(sha256Of("")),
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
  );
});

Deno.test("sha1Of() and sha256Of() agree with the runtime's own for any text", () => {
  fc.assert(fc.property(fc.string({ unit: "binary", maxLength: 200 }), (text) => {
    assert.equal(hex(sha256Of(text)), createHash("sha256").update(text).digest("hex"));
    assert.equal(hex(sha1Of(utf8(text))), createHash("sha1").update(text).digest("hex"));
  }));
});

Deno.test("utf8() is what the runtime's encoder gives, lone surrogates too", () => {
  const units = fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 40 });
  fc.assert(fc.property(units, (codes) => {
    const text = String.fromCharCode(...codes);
    assert.deepEqual(utf8(text), new TextEncoder().encode(text));
  }));
});

Deno.test("base64url() is what the runtime gives, and fromBase64url() is its inverse", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
    const text = base64url(bytes);
    assert.equal(text, bytes.toBase64({ alphabet: "base64url", omitPadding: true }));
    assert.deepEqual(fromBase64url(text), bytes);
  }));
});

Deno.test("fromBase64url() refuses every character that is not of the alphabet", () => {
  for (const text of ["a+b", "a/b", "ab==", "a b", "ä"]) {
    assert.equal(fromBase64url(text), undefined);
  }
});

Deno.test("fromBase64url() takes one spelling of some bytes, and no other", () => {
  assert.deepEqual(fromBase64url("Zg"), utf8("f"));
  for (const text of ["Zh", "Zgp", "Z", "Zm9vZ"]) assert.equal(fromBase64url(text), undefined);
});

Deno.test("base32() gives the vectors of RFC 4648, in lower case and unpadded", () => {
  const vectors = { f: "my", fo: "mzxq", foo: "mzxw6", foob: "mzxw6yq", fooba: "mzxw6ytb" };
  for (const [text, expected] of Object.entries(vectors)) {
    assert.equal(base32(utf8(text)), expected);
  }
});
