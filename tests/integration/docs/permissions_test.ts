/** The flags and policies of the page on permissions are enough, and none is too many. */
import assert from "node:assert/strict";
import { join } from "node:path";
import {
  Controller,
  Node,
  VolumeCapability_AccessMode_Mode as Mode,
} from "../../../src/adapters/csi-grpc/gen/csi_pb.ts";
import { generateKeyPair } from "../../../src/simulator/server/key_pair.ts";
import { CsiClient } from "../../../tools/trial/csi_client.ts";
import {
  backendOf,
  checkoutProgram,
  spawn,
  startSimulator,
  waitFor,
} from "../../../tools/trial/processes.ts";
import { blocksOf, codeWords, rowsOf, section } from "./page.ts";

const PAGE = "reference/permissions.md";
const USER = "metal-csi";
const MAIN = new URL("../../../src/main.ts", import.meta.url).pathname;
const MOUNTED = {
  accessType: { case: "mount", value: { fsType: "ext4" } },
  accessMode: { mode: Mode.SINGLE_NODE_WRITER },
} as const;

/** The words of a command on the page, with the paths of `directory` in place of the page's. */
async function commandOf(part: string, directory: string): Promise<string[]> {
  const [block = ""] = blocksOf(await section(PAGE, part), "sh");
  const [deno, ...words] = block.replaceAll("\\\n", " ").trim().split(/\s+/);
  assert.equal(deno, "deno");
  const places = words.map((word) =>
    word === "src/main.ts" ? MAIN : word.replaceAll(/\/(etc|run|var)\//g, `${directory}/$1/`)
  );
  return [Deno.execPath(), places[0] ?? "", "--quiet", ...places.slice(1)];
}

/** A simulator that lets in a user with `policies`, and a configuration for it. */
async function install(stack: AsyncDisposableStack, policies: string): Promise<string> {
  const directory = await Deno.makeTempDir({ prefix: "rds-csi-permissions-" });
  stack.defer(() => Deno.remove(directory, { recursive: true }));
  for (const name of ["etc/rds-csi", "run/csi", "run/node", "var/tmp", "var/lib/kubelet"]) {
    await Deno.mkdir(join(directory, name), { recursive: true });
  }
  const keys = generateKeyPair("ed25519", "page");
  const keyFile = join(directory, "etc/rds-csi/key");
  await Deno.writeTextFile(keyFile, keys.privateText, { mode: 0o600 });
  await Deno.writeTextFile(`${keyFile}.pub`, `${keys.publicLine}\n`);
  const [ready, simulator] = await startSimulator(checkoutProgram(), {
    directory: join(directory, "var/tmp"),
    authorizedKey: `${keyFile}.pub`,
    flags: ["--user", `${USER}:${policies}`],
  });
  stack.use(simulator);
  const config = { clusterId: "page", backends: [backendOf(ready, keyFile, { user: USER })] };
  await Deno.writeTextFile(join(directory, "etc/rds-csi/config.yaml"), JSON.stringify(config));
  return directory;
}

/** The policies of the table. */
async function policiesOfPage(): Promise<string[]> {
  return rowsOf(await section(PAGE, "On the box")).flatMap(([cell = ""]) => codeWords(cell));
}

Deno.test("a controller and a node work with the permissions of permissions.md alone", async () => {
  await using stack = new AsyncDisposableStack();
  const directory = await install(stack, (await policiesOfPage()).join(","));
  const [controllerSocket, nodeSocket] = ["csi", "node"].map((name) =>
    join(directory, "run", name, "csi.sock")
  );
  assert(controllerSocket !== undefined && nodeSocket !== undefined);
  const commands = {
    [controllerSocket]: "Of the controller",
    [nodeSocket]: "Of the node, in trial mode",
  };
  for (const [socket, part] of Object.entries(commands)) {
    const child = stack.use(spawn(await commandOf(part, directory), directory, `${part}.log`));
    await waitFor(socket, child);
  }
  const controller = stack.use(new CsiClient(controllerSocket));
  const node = stack.use(new CsiClient(nodeSocket));

  const { volume } = await controller.call(Controller.method.createVolume, {
    name: "page",
    capacityRange: { requiredBytes: 2n ** 30n },
    volumeCapabilities: [MOUNTED],
  });
  assert(volume !== undefined);
  const { volumeId, volumeContext } = volume;
  const { nodeId } = await node.call(Node.method.nodeGetInfo, {});
  const common = { volumeId, volumeContext, volumeCapability: MOUNTED };
  const { publishContext } = await controller.call(Controller.method.controllerPublishVolume, {
    ...common,
    nodeId,
  });
  const stagingTargetPath = join(directory, "var/lib/kubelet/staging");
  const targetPath = join(directory, "var/lib/kubelet/target");
  await Deno.mkdir(stagingTargetPath);
  const staged = { ...common, publishContext, stagingTargetPath };
  await node.call(Node.method.nodeStageVolume, staged);
  await node.call(Node.method.nodePublishVolume, { ...staged, targetPath });
  await node.call(Node.method.nodeUnpublishVolume, { volumeId, targetPath });
  await node.call(Node.method.nodeUnstageVolume, { volumeId, stagingTargetPath });
  await controller.call(Controller.method.controllerUnpublishVolume, { volumeId, nodeId });
  const source = { name: "of-page", sourceVolumeId: volumeId };
  const { snapshot } = await controller.call(Controller.method.createSnapshot, source);
  assert.equal(snapshot?.readyToUse, true);
  await controller.call(Controller.method.deleteSnapshot, { snapshotId: snapshot.snapshotId });
  await controller.call(Controller.method.deleteVolume, { volumeId });
});

Deno.test("a controller does not start without any one of the flags of permissions.md", async () => {
  await using stack = new AsyncDisposableStack();
  const directory = await install(stack, "ssh,read,write");
  const command = await commandOf("Of the controller", directory);
  const flags = command.filter((word) => /^--(ignore|allow)-/.test(word));
  const named = rowsOf(await section(PAGE, "Of the controller"))
    .flatMap(([cell = ""]) => codeWords(cell));
  assert.deepEqual(flags.map((flag) => flag.split("=")[0]), named);
  for (const flag of flags) {
    const [program = "", ...args] = command.filter((word) => word !== flag);
    const signal = AbortSignal.timeout(30_000);
    const { code, stderr } = await new Deno.Command(program, { args, signal, stdin: "null" })
      .output();
    assert.ok(code === 1 || code === 2, `${flag}: ${code}`);
    assert.match(new TextDecoder().decode(stderr), /Requires (env|net|read|write) access/, flag);
  }
});

for (const missing of ["read", "write"]) {
  Deno.test(`a user without the policy ${missing} is told which policies are needed`, async () => {
    await using stack = new AsyncDisposableStack();
    const policies = (await policiesOfPage()).filter((policy) => policy !== missing);
    const directory = await install(stack, policies.join(","));
    const child = stack.use(
      spawn(await commandOf("Of the controller", directory), directory, "controller.log"),
    );
    const line = await child.lineWhere((text) => text.includes('"session-lost"'), 30_000);
    assert.match(
      JSON.parse(line).reason,
      /user "metal-csi" needs the policies ssh, read and write/,
    );
  });
}
