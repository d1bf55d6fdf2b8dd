import assert from "node:assert/strict";
import { tellingLines } from "../../../../src/adapters/nvme/kernel_log.ts";
import { FakeKernel, NEVER, openHost, target, volume } from "./fake_kernel.ts";

/** From kernel 6.12. */
const LOG = `[    7.701373] nvme_fabrics: ctrl_loss_tmo < 0 will reconnect forever
[    9.920130] nvme nvme2: ignoring nsid 1 because of duplicate IDs
[   13.303593] nvme nvme2: Connect Invalid Data Parameter, subsysnqn "${volume(1)}"
[   13.303700] nvme nvme2: Connect Invalid Data Parameter, subsysnqn "${volume(2)}"
[   13.972314] nvme nvme2: failed to connect queue: 0 ret=16770
[   14.241377] nvme_fabrics: unknown parameter or missing value 'fu=1' in ctrl creation request
[   14.300000] EXT4-fs (nvme0n1): Duplicate cntlid
`;

Deno.test("of the kernel's log the lines are taken that name a reason, since the connect", () => {
  assert.deepEqual(tellingLines(LOG, 13.5, volume(1)), [
    `nvme nvme2: Connect Invalid Data Parameter, subsysnqn "${volume(1)}"`,
    "nvme_fabrics: unknown parameter or missing value 'fu=1' in ctrl creation request",
  ]);
  assert.deepEqual(tellingLines(LOG, 20, volume(1)), []);
  assert.deepEqual(tellingLines("", 0, volume(1)), []);
});

Deno.test("no more than the last two lines are taken", () => {
  assert.equal(tellingLines(LOG, 0, volume(1)).length, 2);
});

Deno.test("a connect that is refused says what the kernel's log says", async () => {
  const kernel = new FakeKernel();
  kernel.tree.put("/proc/uptime", "13.10 20.00");
  kernel.log = LOG;
  kernel.instead = ({ kind }) => kind === "connect-nvme" ? "EIO" : undefined;
  await assert.rejects(openHost(kernel).connect(target(1), NEVER), {
    code: "unavailable",
    message: /\(EIO\); the kernel says: nvme nvme2: Connect Invalid Data Parameter, subsysnqn/,
  });
});

Deno.test("a log that cannot be read hides no failure", async () => {
  const kernel = new FakeKernel();
  kernel.tree.put("/proc/uptime", "13.10 20.00");
  kernel.instead = ({ kind }) => kind === "connect-nvme" ? "EIO" : undefined;
  await assert.rejects(openHost(kernel).connect(target(1), NEVER), { message: /\(EIO\)$/ });
});
