import assert from "node:assert/strict";
import { hostIdentity } from "../../../../src/adapters/nvme/host_identity.ts";
import type { IdentityFiles, KeptIdentity } from "../../../../src/adapters/nvme/host_identity.ts";

const PATHS = { etcNvme: "/etc/nvme", state: "/state" };
const KEPT = "/state/nvme_host.json";
const ONE = "aaaaaaaa-0000-4000-8000-000000000001";
const TWO = "aaaaaaaa-0000-4000-8000-000000000002";
const UUID_NQN = "nqn.2014-08.org.nvmexpress:uuid:";

/** Files in memory. */
class FakeFiles implements IdentityFiles {
  readonly texts: Map<string, string>;

  constructor(texts: Readonly<Record<string, string>> = {}) {
    this.texts = new Map(Object.entries(texts));
  }

  read(path: string): Promise<string | undefined> {
    return Promise.resolve(this.texts.get(path));
  }

  create(path: string, text: string): Promise<void> {
    if (!this.texts.has(path)) this.texts.set(path, text);
    return Promise.resolve();
  }
}

function identityWith(files: IdentityFiles, uuid = TWO): Promise<KeptIdentity> {
  return hostIdentity(files, PATHS, () => uuid);
}

function nodeFiles(hostNqn: string, hostId: string): FakeFiles {
  return new FakeFiles({
    "/etc/nvme/hostnqn": `${hostNqn}\n`,
    "/etc/nvme/hostid": `${hostId}\n`,
  });
}

Deno.test("the node's own pair is taken where it is sound, in lower case", async () => {
  const files = nodeFiles(`${UUID_NQN}${ONE}`, ONE.toUpperCase());
  assert.deepEqual(await identityWith(files), {
    hostNqn: `${UUID_NQN}${ONE}`,
    hostId: ONE,
    warnings: [],
  });
});

Deno.test("a host NQN that a person chose belongs to the id beside it", async () => {
  const { hostNqn, hostId } = await identityWith(nodeFiles("nqn.2024-01.org.example:node7", ONE));
  assert.deepEqual([hostNqn, hostId], ["nqn.2024-01.org.example:node7", ONE]);
});

Deno.test("without a pair one is made and given ever after", async () => {
  const files = new FakeFiles();
  const first = await identityWith(files, TWO);
  assert.deepEqual(first, { hostNqn: `${UUID_NQN}${TWO}`, hostId: TWO, warnings: [] });
  assert.deepEqual(await identityWith(files, ONE), first);
});

for (
  const [name, hostNqn, hostId] of [
    ["whose parts name different UUIDs", `${UUID_NQN}${ONE}`, TWO],
    ["whose NQN is none", "node7", ONE],
    ["whose NQN would smuggle an option", `${UUID_NQN}${ONE},hostid=${TWO}`, ONE],
    ["whose id is no UUID", `${UUID_NQN}${ONE}`, "node7"],
    ["whose id is all zero", `${UUID_NQN}x`, "00000000-0000-0000-0000-000000000000"],
  ] as const
) {
  Deno.test(`a pair ${name} is not used`, async () => {
    const made = await identityWith(
      nodeFiles(hostNqn, hostId),
      "bbbbbbbb-0000-4000-8000-000000000003",
    );
    assert.equal(made.hostId, "bbbbbbbb-0000-4000-8000-000000000003");
    assert.deepEqual(made.warnings, []);
  });
}

Deno.test("half a pair is not used", async () => {
  const files = new FakeFiles({ "/etc/nvme/hostnqn": `${UUID_NQN}${ONE}` });
  const { hostId, warnings } = await identityWith(files);
  assert.deepEqual([hostId, warnings], [TWO, []]);
});

Deno.test("a pair that appears or changes later does not make the node another host", async () => {
  const files = nodeFiles(`${UUID_NQN}${ONE}`, ONE);
  await identityWith(files);
  files.texts.set("/etc/nvme/hostnqn", `${UUID_NQN}${TWO}`);
  files.texts.set("/etc/nvme/hostid", TWO);
  const { hostId, warnings } = await identityWith(files);
  assert.equal(hostId, ONE);
  assert.match(warnings[0] ?? "", /drain the node and remove \/state\/nvme_host\.json/);
});

Deno.test("who finds that another process was first takes what that one made", async () => {
  const files = new FakeFiles();
  const create = files.create.bind(files);
  files.create = async (path, text) => {
    await create(path, text.replaceAll(TWO, ONE));
    await create(path, text);
  };
  assert.equal((await identityWith(files)).hostId, ONE);
});

for (const text of ["", "{", "[]", '{"version":1,"hostNqn":"x","hostId":"y"}']) {
  Deno.test(`a damaged record (${JSON.stringify(text)}) is never replaced by another identity`, async () => {
    const files = new FakeFiles({ [KEPT]: text });
    await assert.rejects(identityWith(files), { code: "not-ready", message: /it is damaged/ });
    assert.equal(files.texts.get(KEPT), text);
  });
}
