/** Pins: what is accepted as one, and what matches. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import {
  fingerprintOf,
  isPinned,
  parseHostKeyPin,
} from "../../../../src/adapters/routeros-ssh/host_keys.ts";
import { StorageError } from "../../../../src/domain/errors.ts";

/** The wire form of an Ed25519 public key of 32 equal bytes. */
function keyBlob(byte: number): Buffer {
  const type = Buffer.from("ssh-ed25519");
  const lengths = [type.length, 32].map((length) => Buffer.from([0, 0, 0, length]));
  return Buffer.concat([lengths[0] ?? type, type, lengths[1] ?? type, Buffer.alloc(32, byte)]);
}

const LINE = `ssh-ed25519 ${keyBlob(7).toString("base64")}`;

Deno.test("a key line and its fingerprint are the same pin", () => {
  const pin = fingerprintOf(keyBlob(7));
  assert.match(pin, /^SHA256:[A-Za-z0-9+/]{43}$/);
  for (const text of [LINE, `${LINE} admin@rds`, ` ${LINE}\n`, pin, `${pin}=`]) {
    assert.equal(parseHostKeyPin(text), pin);
  }
});

Deno.test("a key is pinned when any of the pins is its own", () => {
  const [own, other] = [fingerprintOf(keyBlob(7)), fingerprintOf(keyBlob(8))];
  assert.ok(isPinned([other, own], own));
  assert.ok(!isPinned([other], own));
  assert.ok(!isPinned([], own));
});

Deno.test("anything else is refused, naming what is allowed", () => {
  const wrong = [
    ...["", "SHA256:short", "MD5:00:11", "ssh-ed25519", "ssh-ed25519 ????"],
    ...[LINE.replace("ssh-ed25519", "ssh-rsa"), LINE.replace("ssh-ed25519", "ecdsa-sha2-nistp256")],
    ...["ssh-ed25519 AAAA", `127.0.0.1 ${LINE}`],
  ];
  for (const text of wrong) {
    assert.throws(
      () => parseHostKeyPin(text),
      (error) =>
        error instanceof StorageError && error.code === "invalid" && /SHA256/.test(error.message),
      text,
    );
  }
});
