/** A simulator with `--export nvmet`: the console, reboots and faults reach the (model) kernel. */
import assert from "node:assert/strict";
import { openKernel } from "../../../src/simulator/nvmet/machine.ts";
import { type Simulator, startSimulator } from "../../../src/simulator/simulator.ts";
import type { SimulatorOptions } from "../../../src/simulator/simulator_options.ts";
import { ModelKernel } from "../../unit/simulator/nvmet/model_kernel.ts";
import { call } from "../../unit/simulator/box/console.ts";
import { runProgram } from "./program.ts";
import { SshConnection, until } from "./ssh_client.ts";

const NQN = "nqn.2000-02.com.mikrotik:a";
const ADD = "/disk/add type=file slot=a file-path=storage-pool/a.img file-size=8M " +
  "mount-filesystem=no nvme-tcp-export=yes nvme-tcp-server-port=4501";

/** A model whose loop devices see the real files of the simulator. */
class FileKernel extends ModelKernel {
  constructor() {
    super();
    this.files.get = (path): number | undefined => sizeOf(path);
  }
}

function sizeOf(path: string): number | undefined {
  try {
    return Deno.statSync(path).size;
  } catch {
    return undefined;
  }
}

/** A simulator over a model kernel that outlives it. */
class Scene implements AsyncDisposable {
  readonly kernel: ModelKernel = new FileKernel();
  readonly directory: string;
  #simulator: Simulator | undefined;

  private constructor(directory: string) {
    this.directory = directory;
  }

  static async start(options: SimulatorOptions = {}): Promise<Scene> {
    const scene = new Scene(await Deno.makeTempDir({ prefix: "rds-nvmet-" }));
    await scene.start(options);
    return scene;
  }

  get simulator(): Simulator {
    assert.ok(this.#simulator !== undefined);
    return this.#simulator;
  }

  async start(options: SimulatorOptions = {}): Promise<void> {
    this.#simulator = await startSimulator({
      directory: this.directory,
      password: "secret",
      nvmet: { kernel: this.kernel },
      ...options,
    });
  }

  async stop(): Promise<void> {
    await this.#simulator?.[Symbol.asyncDispose]();
    this.#simulator = undefined;
  }

  async run(line: string): Promise<string> {
    const { port } = this.simulator;
    await using connection = await SshConnection.open({ port, password: "secret" });
    return (await connection.exec(line)).output;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await Deno.remove(this.directory, { recursive: true });
  }
}

function uuid(scene: Scene): string | undefined {
  return scene.kernel.namespaceOf(NQN, "device_uuid");
}

Deno.test("a disk is in the kernel when the command that exports it has answered", async () => {
  await using scene = await Scene.start();
  assert.equal(await scene.run(ADD), "");
  assert.equal(scene.kernel.connect(NQN, 4501), "live");
  assert.ok(scene.simulator.exports().every(({ state }) => state === "exported"));
  await scene.run("/disk/set a file-size=16M");
  assert.equal((await scene.kernel.loops.list()).at(-1)?.sizeBytes, 16 * 2 ** 20);
  assert.equal(scene.kernel.sessions(NQN), 1);
  await scene.run("/disk/set a nvme-tcp-export=no");
  assert.equal(scene.kernel.connect(NQN, 4501), "refused");
});

Deno.test("sessions have ended before the next command of the same line", async () => {
  await using scene = await Scene.start();
  await scene.run(ADD);
  scene.kernel.connect(NQN, 4501);
  let isBackTooEarly: boolean | undefined;
  scene.kernel.beforeCall = (call): void => {
    if (!call.endsWith("enable=0")) return;
    isBackTooEarly = scene.simulator.box.exports().some(({ nqn }) => nqn === NQN);
  };
  await scene.run("/disk/set a nvme-tcp-export=no; /disk/set a nvme-tcp-export=yes");
  assert.equal(isBackTooEarly, false);
  assert.equal(scene.kernel.sessions(NQN), 0);
  assert.equal(scene.kernel.connect(NQN, 4501), "live");
});

Deno.test("an export that is off for less than the kernel takes to look still ends", async () => {
  await using scene = await Scene.start();
  await scene.run(ADD);
  scene.kernel.connect(NQN, 4501);
  const { box } = scene.simulator;
  for (const isExported of [false, true]) {
    call(box, "disk/set", { unnamed: ["a"], named: { "nvme-tcp-export": isExported } });
  }
  await until(() => scene.kernel.sessions(NQN) === 0);
  await until(() => stateOf(scene) === "exported");
});

Deno.test("a removed disk leaves no subsystem, port or loop device", async () => {
  await using scene = await Scene.start();
  const before = scene.kernel.loops.devices.size;
  await scene.run(ADD);
  await scene.run("/disk/remove a; /file/remove storage-pool/a.img");
  assert.equal(scene.kernel.subsystems.has(NQN), false);
  assert.equal(scene.kernel.ports.has("4501"), false);
  assert.equal(scene.kernel.loops.devices.size, before);
});

Deno.test("a reboot drops every export, and brings them back with the identity of the mode", async () => {
  for (const identity of ["stable", "changing"] as const) {
    await using scene = await Scene.start({ box: { identity } });
    await scene.run(ADD);
    const before = uuid(scene);
    scene.kernel.connect(NQN, 4501);
    await scene.simulator.reboot(0);
    await until(() => scene.simulator.exports().some(({ nqn }) => nqn === NQN));
    await until(() => scene.simulator.exports().every(({ state }) => state === "exported"));
    assert.equal(scene.kernel.sessions(NQN), 0);
    assert.equal(scene.kernel.connect(NQN, 4501), "live");
    assert.equal(uuid(scene) === before, identity === "stable", identity);
  }
});

Deno.test("a box that is down exports nothing", async () => {
  await using scene = await Scene.start();
  await scene.run(ADD);
  await scene.simulator.reboot(3600);
  assert.equal(scene.kernel.connect(NQN, 4501), "refused");
  assert.equal(scene.kernel.subsystems.size + scene.kernel.loops.devices.size, 0);
});

Deno.test("an orderly stop takes the exports down; the next start is a boot of the box", async () => {
  await using scene = await Scene.start({ box: { identity: "changing" } });
  await scene.run(ADD);
  const before = uuid(scene);
  await scene.stop();
  assert.equal(scene.kernel.subsystems.size + scene.kernel.ports.size, 0);
  assert.equal(scene.kernel.loops.devices.size, 0);
  await scene.start({ box: { identity: "changing" } });
  assert.equal(scene.kernel.connect(NQN, 4501), "live");
  assert.notEqual(uuid(scene), before);
});

Deno.test("exports that a killed simulator left go on with their sessions", async () => {
  await using scene = await Scene.start({ box: { identity: "changing" } });
  await scene.run(ADD);
  const before = uuid(scene);
  scene.kernel.connect(NQN, 4501);
  // A killed process changes nothing any more: what stopping does to the kernel is refused.
  scene.kernel.beforeCall = (): void => {
    throw new Error("killed");
  };
  await scene.stop();
  scene.kernel.beforeCall = (): void => {};
  await scene.start({ box: { identity: "changing" } });
  assert.equal(scene.kernel.sessions(NQN), 1);
  assert.equal(uuid(scene), before);
});

Deno.test("a new identity by fault lasts over further reboots", async () => {
  await using scene = await Scene.start();
  await scene.run(ADD);
  const before = uuid(scene);
  await scene.simulator.addFault({ kind: "new-identity", slot: "a", times: 1 });
  assert.equal(uuid(scene), before);
  await scene.run("/disk/set a nvme-tcp-export=no; /disk/set a nvme-tcp-export=yes");
  const after = uuid(scene);
  assert.notEqual(after, before);
  await scene.stop();
  await scene.start();
  assert.equal(uuid(scene), after);
});

Deno.test("a late export leaves the others on the shared port that is open already", async () => {
  await using scene = await Scene.start();
  const other = "nqn.2000-02.com.mikrotik:nixos-node1";
  await scene.run(ADD.replace("4501", "4420"));
  await scene.simulator.addFault({ kind: "late-export", slot: "a", seconds: 3600, times: 1 });
  await scene.simulator.reboot(0);
  await until(() => scene.kernel.connect(other, 4420) === "live");
  await until(() => stateOf(scene) === "not-linked");
  assert.equal(scene.kernel.connect(NQN, 4420), "unknown");
});

function stateOf(scene: Scene): string | undefined {
  return scene.simulator.exports().find(({ nqn }) => nqn === NQN)?.state;
}

Deno.test("a fault given from the start strikes the first boot", async () => {
  await using scene = await Scene.start();
  await scene.run(ADD);
  await scene.stop();
  await scene.start({ faults: [{ kind: "late-namespace", slot: "a", seconds: 3600, times: 1 }] });
  assert.equal(stateOf(scene), "no-namespace");
  assert.equal(scene.kernel.connect(NQN, 4501), "live");
  assert.equal(scene.kernel.namespaceOf(NQN, "enable"), "0");
});

Deno.test("what the kernel refuses is in the box's log and tried again", async () => {
  await using scene = await Scene.start();
  scene.kernel.beforeCall = (call): void => {
    if (call.startsWith("link subsystems") && call.includes(":a ")) {
      throw new Error("EADDRNOTAVAIL");
    }
  };
  await scene.run(ADD);
  assert.equal(stateOf(scene), "failed");
  assert.match(await scene.run("/log/print"), /EADDRNOTAVAIL/);
  scene.kernel.beforeCall = (): void => {};
  await scene.run("/disk/set a comment=again nvme-tcp-server-port=4502");
  assert.equal(scene.kernel.connect(NQN, 4502), "live");
});

Deno.test("without real exports their faults are refused, with the reason", async () => {
  await using simulator = await startSimulator();
  await assert.rejects(
    simulator.addFault({ kind: "new-identity", slot: "a", times: 1 }),
    /this simulator has no export nvmet/,
  );
  assert.deepEqual(simulator.exports(), []);
});

Deno.test("a kernel without nvmet or loop devices is refused, naming what brings it", async () => {
  const directory = await Deno.makeTempDir();
  try {
    const nvmetRoot = `${directory}/nvmet`;
    const paths = { nvmetRoot, loopControl: `${directory}/loop-control` };
    if (Deno.uid() !== 0) return await assert.rejects(openKernel(paths), /it takes root/);
    await assert.rejects(
      openKernel(paths),
      (error: Error) => error.message.includes(nvmetRoot) && error.message.includes("nvmet-tcp"),
    );
    await Deno.mkdir(`${nvmetRoot}/subsystems`, { recursive: true });
    await assert.rejects(openKernel(paths), /loop-control is not there.*modprobe loop/);
    await Deno.writeTextFile(paths.loopControl, "");
    await openKernel(paths);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

for (
  const [args, says] of [
    [["--export", "iscsi"], /--export is "iscsi"; allowed: nvmet/],
    [["--nvme-address", "10.0.0.1"], /--nvme-address .* only together with --export nvmet/],
    [["--export", "nvmet", "--nvme-address", "box"], /--nvme-address is "box".*numeric/],
    [["--export", "nvmet", "--host", "localhost"], /--host is "localhost".*numeric/],
  ] as const
) {
  Deno.test(`${args.join(" ")} is refused with what is allowed`, async () => {
    const { code, stderr } = await runProgram(...args);
    assert.equal(code, 2);
    assert.match(stderr, says);
  });
}
