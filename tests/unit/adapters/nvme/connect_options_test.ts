import assert from "node:assert/strict";
import {
  connectOptions,
  fewerQueues,
  parseSupported,
  queuesFor,
} from "../../../../src/adapters/nvme/connect_options.ts";
import type { ConnectRequest } from "../../../../src/adapters/nvme/connect_options.ts";
import { reconnectPolicyOf } from "../../../../src/domain/reconnect_policy.ts";

const ID = "aaaaaaaa-0000-4000-8000-000000000002";
const REQUEST: ConnectRequest = {
  nqn: "nqn.2000-02.com.mikrotik:pvc-00000001-0000-4000-8000-000000000000",
  at: { address: "10.0.0.7", port: 4501 },
  host: { hostNqn: `nqn.2014-08.org.nvmexpress:uuid:${ID}`, hostId: ID },
  policy: reconnectPolicyOf(),
  queues: 2,
};
/** What a kernel 6.1 prints. */
const OF_6_1 = "instance=-1,cntlid=-1,transport=%s,traddr=%s,trsvcid=%s,nqn=%s,queue_size=%d," +
  "nr_io_queues=%d,reconnect_delay=%d,ctrl_loss_tmo=%d,keep_alive_tmo=%d,hostnqn=%s," +
  "host_traddr=%s,host_iface=%s,hostid=%s,duplicate_connect,disable_sqflow,hdr_digest," +
  "data_digest,nr_write_queues=%d,nr_poll_queues=%d,tos=%d,fast_io_fail_tmo=%d,discovery\n";

function assertRefused(change: Partial<ConnectRequest>, words: RegExp): void {
  assert.throws(() => connectOptions({ ...REQUEST, ...change }, undefined), (error: unknown) => {
    assert(error instanceof Error && "code" in error);
    assert.equal(error.code, "invalid");
    assert.match(error.message, words);
    return true;
  });
}

Deno.test("a connect names transport, address, volume, host, queues and the whole policy", () => {
  assert.equal(
    connectOptions(REQUEST, parseSupported(OF_6_1)),
    `transport=tcp,traddr=10.0.0.7,trsvcid=4501,nqn=${REQUEST.nqn},` +
      `hostnqn=nqn.2014-08.org.nvmexpress:uuid:${ID},hostid=${ID},nr_io_queues=2,` +
      "keep_alive_tmo=10,reconnect_delay=5,ctrl_loss_tmo=-1",
  );
});

Deno.test("fast_io_fail_tmo is passed only when it is set", () => {
  const policy = reconnectPolicyOf({ fastIoFailTmo: 0 });
  assert.match(connectOptions({ ...REQUEST, policy }, undefined), /,fast_io_fail_tmo=0$/);
});

Deno.test("an option that the kernel does not have is refused, not left out", () => {
  const supported = parseSupported(OF_6_1.replace("fast_io_fail_tmo=%d,", ""));
  const policy = reconnectPolicyOf({ fastIoFailTmo: 20 });
  assert.throws(
    () => connectOptions({ ...REQUEST, policy }, supported),
    /Cannot connect with fast_io_fail_tmo "20": it is an option this node's kernel does not have/,
  );
});

for (const poison of [",", "\n", "\0", " ", "é", "\t", "\x7f", "\u{2028}"]) {
  Deno.test(`no value smuggles ${JSON.stringify(poison)} into the options`, () => {
    const other = `x${poison}nqn=nqn.2000-02.com.mikrotik:other`;
    assertRefused({ nqn: `${REQUEST.nqn}${other}` }, /Cannot connect with nqn /);
    assertRefused({ host: { ...REQUEST.host, hostNqn: other } }, /Cannot connect with hostnqn /);
    assertRefused({ host: { ...REQUEST.host, hostId: other } }, /Cannot connect with hostid /);
    assertRefused({ at: { address: other, port: 4501 } }, /Cannot connect with traddr /);
  });
}

Deno.test("an empty value is refused", () => {
  assertRefused({ nqn: "" }, /Cannot connect with nqn "": it is empty/);
});

Deno.test("a host name is refused: the kernel takes numeric addresses only", () => {
  assertRefused({ at: { address: "box.example", port: 4501 } }, /traddr "box.example": .* no IP/);
});

Deno.test("an IPv6 address is passed as it is", () => {
  const options = connectOptions({ ...REQUEST, at: { address: "fd00::7", port: 1 } }, undefined);
  assert.match(options, /,traddr=fd00::7,trsvcid=1,/);
});

Deno.test("more than a page of options is refused", () => {
  assertRefused({ nqn: "n".repeat(5000) }, /is more than the kernel takes/);
});

Deno.test("a volume gets the queues its policy says, else one for each processor up to four", () => {
  const policy = reconnectPolicyOf();
  assert.deepEqual([0, 1, 3, 64].map((count) => queuesFor(policy, count)), [1, 1, 3, 4]);
  assert.equal(queuesFor(reconnectPolicyOf({ nrIoQueues: 16 }), 2), 16);
});

Deno.test("fewer queues are asked for down to one, and then no fewer", () => {
  assert.deepEqual([7, 4, 3, 2, 1].map(fewerQueues), [3, 2, 1, 1, undefined]);
});

Deno.test("a kernel that prints no list of options does not say what it has", () => {
  assert.equal(parseSupported("instance=-1,cntlid=-1"), undefined);
  assert.equal(parseSupported(""), undefined);
});
