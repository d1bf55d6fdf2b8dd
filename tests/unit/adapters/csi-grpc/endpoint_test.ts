import assert from "node:assert/strict";
import { parseEndpoint } from "../../../../src/adapters/csi-grpc/endpoint.ts";
import { StorageError } from "../../../../src/domain/errors.ts";

const GOOD: { endpoint: string; path: string }[] = [
  { endpoint: "unix:///run/csi/csi.sock", path: "/run/csi/csi.sock" },
  { endpoint: "/run/csi/csi.sock", path: "/run/csi/csi.sock" },
  { endpoint: "/csi.sock", path: "/csi.sock" },
  { endpoint: "/run/with space/ä:5#?.sock", path: "/run/with space/ä:5#?.sock" },
  { endpoint: `/${"x".repeat(98)}`, path: `/${"x".repeat(98)}` },
];
for (const { endpoint, path } of GOOD) {
  Deno.test(`parseEndpoint() takes ${endpoint}`, () => assert.equal(parseEndpoint(endpoint), path));
}

const BAD: { endpoint: string; finding: RegExp }[] = [
  { endpoint: "", finding: /empty; write unix:\/\/\/run/ },
  { endpoint: "csi.sock", finding: /not an absolute path; write/ },
  { endpoint: "unix://csi.sock", finding: /not an absolute path; write/ },
  { endpoint: "unix:csi.sock", finding: /not an absolute path; write/ },
  { endpoint: "tcp://127.0.0.1:10000", finding: /Unix socket only; write/ },
  { endpoint: "127.0.0.1:10000", finding: /Unix socket only; write/ },
  { endpoint: "http://localhost", finding: /Unix socket only; write/ },
  { endpoint: "/run/csi/", finding: /must name a socket file/ },
  { endpoint: "unix:///", finding: /must name a socket file/ },
  { endpoint: "/run/../csi.sock", finding: /without \. or \.\./ },
  { endpoint: "/run/\u0000.sock", finding: /control characters/ },
  { endpoint: `/${"ä".repeat(50)}`, finding: /101 bytes, and at most 99/ },
];
for (const { endpoint, finding } of BAD) {
  Deno.test(`parseEndpoint() refuses ${JSON.stringify(endpoint)} and says what to write`, () => {
    assert.throws(() => parseEndpoint(endpoint), (error) => {
      assert.ok(error instanceof StorageError && error.code === "invalid");
      assert.ok(error.message.includes(`"${endpoint}"`));
      assert.match(error.message, finding);
      return true;
    });
  });
}
