/** Private keys: what RouterOS takes is taken, anything else is refused before anything is dialled. */
import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
// @ts-types="@types/ssh2"
import ssh2 from "ssh2";
import { openRouterOsArray } from "../../../src/adapters/routeros-ssh/array.ts";
import type { RouterOsArrayOptions } from "../../../src/adapters/routeros-ssh/array.ts";
import { checkClientKey } from "../../../src/adapters/routeros-ssh/client_key.ts";
import { StorageError } from "../../../src/domain/errors.ts";
import { ManualClock } from "../../fakes/manual_clock.ts";
import { CLIENT_KEY } from "./rig.ts";

function refusalOf(text: string, passphrase?: string): string {
  try {
    checkClientKey(text, passphrase);
  } catch (error) {
    assert.ok(error instanceof StorageError && error.code === "invalid");
    assert.ok(!error.message.includes("-----"), "the message holds a part of the key");
    return error.message;
  }
  assert.fail("the key was taken");
}

Deno.test("Ed25519 keys and RSA keys of 2048 bits are taken", () => {
  checkClientKey(CLIENT_KEY.privateText, undefined);
  checkClientKey(ssh2.utils.generateKeyPairSync("rsa", { bits: 2048 }).private, undefined);
});

Deno.test("short RSA keys are refused, saying how short", () => {
  const { privateKey } = generateKeyPairSync("rsa", {
    modulusLength: 1024,
    privateKeyEncoding: { type: "pkcs1", format: "pem" },
    publicKeyEncoding: { type: "pkcs1", format: "pem" },
  });
  assert.match(refusalOf(privateKey), /RSA key of 1024 bits/);
});

Deno.test("ECDSA keys are refused, naming what is needed", () => {
  const { private: text } = ssh2.utils.generateKeyPairSync("ecdsa", { bits: 256 });
  assert.match(refusalOf(text), /ecdsa-sha2-nistp256, which RouterOS refuses; an Ed25519 key or/);
});

Deno.test("public keys and other texts are refused", () => {
  assert.match(refusalOf(CLIENT_KEY.publicLine), /public key/);
  for (const text of ["", "key", "-----BEGIN"]) assert.match(refusalOf(text), /no private key/);
});

Deno.test("an encrypted key needs its passphrase, and says so", () => {
  const { private: text } = ssh2.utils.generateKeyPairSync("ed25519", {
    passphrase: "right",
    cipher: "aes256-cbc",
    rounds: 4,
  });
  checkClientKey(text, "right");
  assert.match(refusalOf(text), /encrypted and no passphrase is given/);
  assert.match(refusalOf(text, "wrong"), /passphrase given does not open it/);
});

const OPTIONS: RouterOsArrayOptions = {
  ...{ name: "rds-1", address: "127.0.0.1", port: 22, user: "csi" },
  privateKey: { text: CLIENT_KEY.privateText },
  hostKeys: [`SHA256:${"A".repeat(43)}`],
  ...{ clusterId: "c1", basePath: "/storage-pool/csi", minFreePercent: 5 },
  nvmePorts: { first: 20_000, last: 24_999 },
  snapshots: { strategy: "auto", whileAttached: "refuse" },
  ...{ observe: () => {}, clock: new ManualClock(), random: () => 0.5 },
};

const WRONG: readonly (readonly [Partial<RouterOsArrayOptions>, RegExp])[] = [
  [{ clusterId: "Prod" }, /cluster id "Prod"/],
  [{ clusterId: "x".repeat(17) }, /cluster id/],
  [{ basePath: "storage-pool/csi" }, /base path "storage-pool\/csi"/],
  [{ basePath: "/pool/../etc" }, /base path/],
  [{ allowedBasePaths: ["/other-pool/csi"] }, /"\/other-pool\/csi" is on another pool/],
  [{ nvmePorts: { first: 5000, last: 4999 } }, /last NVMe port is below the first/],
  [{ nvmePorts: { first: 0, last: 10 } }, /first NVMe port of array "rds-1": 0/],
  [{ minFreePercent: 91 }, /91 percent/],
  [{ hostKeys: [] }, /no host key is pinned/],
  [{ hostKeys: ["nonsense"] }, /host key "nonsense"/],
  [{ port: 70_000 }, /port of array "rds-1": 70000/],
];

Deno.test("options that are wrong are refused at once, by name", () => {
  for (const [change, expected] of WRONG) {
    assert.throws(
      () => openRouterOsArray({ ...OPTIONS, ...change }),
      (error) =>
        error instanceof StorageError && error.code === "invalid" && expected.test(error.message),
      String(expected),
    );
  }
});
