/** A kernel with NVMe in memory: what it shows in sysfs changes with the calls that are made. */
import { KernelNvmeHost } from "../../../../src/adapters/nvme/nvme_host.ts";
import { NVME_TIMING } from "../../../../src/adapters/nvme/context.ts";
import { Resolver } from "../../../../src/adapters/nvme/resolve.ts";
import type { DeviceNumber } from "../../../../src/domain/block_device.ts";
import type { Nqn } from "../../../../src/domain/nvme.ts";
import { reconnectPolicyOf } from "../../../../src/domain/reconnect_policy.ts";
import type {
  DeviceOpener,
  KernelCall,
  KernelCallKind,
  KernelCalls,
  KernelResult,
} from "../../../../src/ports/kernel_calls.ts";
import type { NvmeTarget } from "../../../../src/ports/nvme_host.ts";
import type {
  ProgramCall,
  ProgramEnd,
  Programs,
  StuckChild,
} from "../../../../src/ports/programs.ts";
import { ManualClock } from "../../../fakes/manual_clock.ts";
import { SysfsTree } from "../../../fixtures/sysfs_tree.ts";

/** Who the trees of tests/fixtures/sysfs were connected as. */
export const HOST_ID = "aaaaaaaa-0000-4000-8000-000000000002";
export const HOST_NQN: string = `nqn.2014-08.org.nvmexpress:uuid:${HOST_ID}`;
export const NEVER: AbortSignal = new AbortController().signal;
const CTL = "devices/virtual/nvme-fabrics/ctl";
const SUBSYS = "devices/virtual/nvme-subsystem";

/** The NQN of volume `index`, as in the trees. */
export function volume(index: number): Nqn {
  return `nqn.2000-02.com.mikrotik:pvc-0000000${index}-0000-4000-8000-000000000000` as Nqn;
}

/** How volume `index` is asked for, as in the trees. */
export function target(index: number, change: Partial<NvmeTarget> = {}): NvmeTarget {
  const at = { address: "10.99.0.1", port: 4500 + index };
  return { nqn: volume(index), at, policy: reconnectPolicyOf({ reconnectDelay: 2 }), ...change };
}

/** What one call of a test's choice does instead of what the kernel would. */
export type Instead = (call: KernelCall, subject: string) => Promise<unknown> | string | undefined;

/** The kernel, its children, and what was asked of them. */
export class FakeKernel implements KernelCalls, Programs {
  readonly tree: SysfsTree;
  readonly clock: ManualClock = new ManualClock();
  readonly calls: { readonly call: KernelCall; readonly subject: string }[] = [];
  readonly programCalls: ProgramCall[] = [];
  readonly held: Set<string> = new Set();
  /** Who has a device open, without holding it. */
  readonly openers: DeviceOpener[] = [];
  readonly stuckChildren: StuckChild[] = [];
  /** The sizes that the array has, in sectors, where they differ from what the kernel shows. */
  readonly grown: Map<string, number> = new Map();
  instead: Instead = () => undefined;
  /** What the kernel makes of a new connection. */
  makesHead = true;
  makesNode = true;
  /** What `dmesg` prints. */
  log = "";
  #next = 10;

  constructor(entries: readonly string[] = []) {
    this.tree = new SysfsTree(entries);
    for (const entry of entries) {
      const [, name, number] = /\/(nvme\d+n\d+)\/dev = (\S+)$/.exec(entry) ?? [];
      if (name !== undefined) this.tree.addNode(`/dev/${name}`, number as DeviceNumber);
    }
  }

  async call<Kind extends KernelCallKind>(
    call: KernelCall & { readonly kind: Kind },
    { subject }: { readonly subject: string },
    signal: AbortSignal,
  ): Promise<KernelResult<Kind>> {
    signal.throwIfAborted();
    this.calls.push({ call, subject });
    const instead = await this.instead(call, subject);
    const errno = typeof instead === "string" ? instead : await this.#act(call);
    // The tests look at the outcome, not at what was read.
    const answer = call.kind === "find-openers" ? [...this.openers] : null;
    return (errno === undefined ? { isOk: true, answer } : { isOk: false, errno }) as KernelResult<
      Kind
    >;
  }

  run(call: ProgramCall): Promise<ProgramEnd> {
    this.programCalls.push(call);
    const [, , path = "", , major, minor] = call.args;
    if (call.program === "mknod") this.tree.addNode(path, `${major}:${minor}` as DeviceNumber);
    if (call.program === "rm") this.tree.removeNode(call.args.at(-1) ?? "");
    const stdout = call.program === "dmesg" ? this.log : "";
    return Promise.resolve({ code: 0, stdout, stderr: "" });
  }

  stuck(): StuckChild[] {
    return this.stuckChildren;
  }

  /** The kernel calls of one kind that were made. */
  made<Kind extends KernelCallKind>(kind: Kind): (KernelCall & { readonly kind: Kind })[] {
    return this.calls.map(({ call }) => call).filter((call): call is KernelCall & { kind: Kind } =>
      call.kind === kind
    );
  }

  /** The texts that were written, by the name of the attribute. */
  written(): string[] {
    return this.made("write-file").map(({ path, text }) =>
      `${path.split("/").slice(-2).join("/")}=${text}`
    );
  }

  /** Makes a controller as the kernel does; returns its name. */
  addController(
    nqn: string,
    { at = "traddr=10.99.0.1,trsvcid=4501", state = "live", hostNqn = HOST_NQN, hostId = HOST_ID }:
      {
        at?: string;
        state?: string;
        hostNqn?: string;
        hostId?: string;
      } = {},
  ): string {
    const name = `nvme${this.#next}`;
    const subsystem = `nvme-subsys${this.#next + 100}`;
    this.#next++;
    const attributes = {
      ...{ subsysnqn: nqn, hostnqn: hostNqn, hostid: hostId, address: at, state },
      ...{ transport: "tcp", cntrltype: "io", reconnect_delay: "2", ctrl_loss_tmo: "off" },
      fast_io_fail_tmo: "off",
    };
    for (const [key, text] of Object.entries(attributes)) {
      this.tree.add(`${CTL}/${name}/${key} = ${text}`);
    }
    this.tree.add(`class/nvme/${name} -> ../../${CTL}/${name}`);
    this.tree.add(`${SUBSYS}/${subsystem}/subsysnqn = ${nqn}`);
    this.tree.add(`class/nvme-subsystem/${subsystem} -> ../../${SUBSYS}/${subsystem}`);
    this.tree.add(`${SUBSYS}/${subsystem}/${name} -> ../../nvme-fabrics/ctl/${name}`);
    return name;
  }

  /** Shows the head of the volume whose controller has the name. */
  addHead(controller: string, wwid: string = `uuid.of-${controller}`): string {
    const index = Number(controller.slice(4));
    const head = `nvme${index + 100}n1`;
    const number = `259:${index}` as DeviceNumber;
    const directory = `${SUBSYS}/nvme-subsys${index + 100}/${head}`;
    const path = `${CTL}/${controller}/nvme${index + 100}c${index}n1`;
    for (
      const [where, key, text] of [
        [directory, "dev", number],
        [directory, "size", "2048"],
        [directory, "nsid", "1"],
        [directory, "wwid", wwid],
        [path, "nsid", "1"],
        [path, "wwid", wwid],
      ] as const
    ) this.tree.add(`${where}/${key} = ${text}`);
    this.tree.add(`class/block/${head} -> ../../${directory}`);
    if (this.makesNode) this.tree.addNode(`/dev/${head}`, number);
    return head;
  }

  async #act(call: KernelCall): Promise<string | undefined> {
    switch (call.kind) {
      case "connect-nvme": {
        const fields = new Map(
          call.options.split(",").map((field) => {
            const at = field.indexOf("=");
            return [field.slice(0, at), field.slice(at + 1)];
          }),
        );
        const at = `traddr=${fields.get("traddr")},trsvcid=${fields.get("trsvcid")}`;
        const name = this.addController(fields.get("nqn") ?? "", { at });
        if (this.makesHead) this.addHead(name);
        return undefined;
      }
      case "write-file":
        return await this.#isBeside(call) ? await this.#write(call.path, call.text) : "ENODEV";
      case "open-exclusively":
      case "read-device":
        if (await this.tree.nodeAt(call.path) !== call.number) return "ENXIO";
        return call.kind === "open-exclusively" && this.held.has(call.number) ? "EBUSY" : undefined;
      case "find-openers":
        return undefined;
      case "measure-file-system":
        throw new Error(`Cannot make call ${call.kind}: it is none of this adapter's`);
    }
  }

  async #isBeside({ path, beside = {} }: KernelCall & { kind: "write-file" }): Promise<boolean> {
    const directory = path.slice(0, path.lastIndexOf("/"));
    for (const [name, wanted] of Object.entries(beside)) {
      if (await this.tree.read(`${directory}/${name}`) !== wanted) return false;
    }
    return true;
  }

  async #write(path: string, text: string): Promise<string | undefined> {
    const [, directory = "", name = ""] = /^(.*)\/([^/]+)$/.exec(path) ?? [];
    switch (name) {
      case "delete_controller":
        return await this.#delete(directory);
      case "rescan_controller":
        for (const [head, sectors] of this.grown) {
          this.tree.put(`/sys/class/block/${head}/size`, String(sectors));
        }
        return undefined;
      default:
        if (await this.tree.read(path) === undefined) return "ENOENT";
        this.tree.put(path, text === "-1" ? "off" : text);
        return undefined;
    }
  }

  async #delete(directory: string): Promise<string | undefined> {
    const nqn = await this.tree.read(`${directory}/subsysnqn`);
    if (nqn === undefined) return "ENOENT";
    this.tree.remove(directory);
    this.tree.remove(directory.replace("/sys/class/nvme", `/sys/${CTL}`));
    for (const name of await this.tree.list("/sys/class/nvme-subsystem")) {
      const path = `/sys/class/nvme-subsystem/${name}`;
      if (await this.tree.read(`${path}/subsysnqn`) === nqn) this.tree.remove(path);
    }
    return undefined;
  }
}

/** A host over the kernel, with a target that answers unless told otherwise. */
export function openHost(
  kernel: FakeKernel,
  probe: () => Promise<void> = () => Promise.resolve(),
): KernelNvmeHost {
  const { tree: files, clock } = kernel;
  return new KernelNvmeHost({
    context: {
      ...{ files, calls: kernel, programs: kernel, clock, timing: NVME_TIMING },
      paths: { sys: "/sys", dev: "/dev", proc: "/proc", etcNvme: "/etc/nvme" },
      identity: { hostNqn: HOST_NQN, hostId: HOST_ID },
    },
    ...{ probe, random: () => 0, processors: 4, warnings: [] },
    resolver: new Resolver(() => Promise.resolve(["10.99.0.1"]), clock, NVME_TIMING.resolveMs),
  });
}

/** Runs `work` with time passing as fast as it waits. */
export async function inFastTime<Result>(
  { clock }: FakeKernel,
  work: Promise<Result>,
): Promise<Result> {
  let isOver = false;
  const over = work.finally(() => isOver = true);
  over.catch(() => {});
  for (let step = 0; step < 2000 && !isOver; step++) await clock.advance(100);
  return await over;
}
