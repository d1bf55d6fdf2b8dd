/**
 * nvmet and loop devices as a model with the kernel's rules: what is refused while a namespace is
 * enabled or a subsystem in use, what a listener needs, what cannot be removed while something
 * points at it. The rules are those seen on Linux 6.1, 6.12 and 7.2.
 */
import type { KernelTree } from "../../../../src/simulator/nvmet/kernel_tree.ts";
import type { LoopDevice, LoopDevices } from "../../../../src/simulator/nvmet/loop_devices.ts";
import type { NvmetKernel } from "../../../../src/simulator/nvmet/machine.ts";

interface ModelNamespace {
  readonly attributes: Map<string, string>;
  isEnabled: boolean;
}

interface ModelSubsystem {
  readonly attributes: Map<string, string>;
  readonly namespaces: Map<string, ModelNamespace>;
  readonly allowedHosts: Set<string>;
  /** The sessions of hosts, by host NQN. */
  readonly sessions: Set<string>;
}

interface ModelPort {
  readonly attributes: Map<string, string>;
  readonly links: Set<string>;
}

/** The kernel refuses a call. */
export class Refused extends Error {
  constructor(code: string, path: string) {
    super(`${code}: ${path}`);
    this.name = "Refused";
  }
}

/** A kernel for tests. */
export class ModelKernel implements NvmetKernel, KernelTree {
  readonly tree: KernelTree = this;
  readonly loops: ModelLoops;
  readonly subsystems: Map<string, ModelSubsystem> = new Map();
  readonly ports: Map<string, ModelPort> = new Map();
  readonly hosts: Set<string> = new Set();
  /** Everything that changed something, in order. */
  readonly calls: string[] = [];
  /** Asked before each change; what it throws is thrown. */
  beforeCall: (call: string) => void = () => {};
  /** The sizes of files, as the loop devices see them. */
  readonly files: Map<string, number>;

  constructor(files: Map<string, number> = new Map()) {
    this.files = files;
    this.loops = new ModelLoops(this);
  }

  /** A host connects, or is told why not. */
  connect(nqn: string, port: number, host = "nqn.test:host"): "live" | "refused" | "unknown" {
    const links = this.ports.get(String(port))?.links;
    if (links === undefined || links.size === 0) return "refused";
    const subsystem = links.has(nqn) ? this.subsystems.get(nqn) : undefined;
    const isAllowed = subsystem?.attributes.get("attr_allow_any_host") === "1" ||
      subsystem?.allowedHosts.has(host) === true;
    if (subsystem === undefined || !isAllowed) return "unknown";
    subsystem.sessions.add(host);
    return "live";
  }

  /** How many sessions a subsystem has. */
  sessions(nqn: string): number {
    return this.subsystems.get(nqn)?.sessions.size ?? 0;
  }

  /** The attribute of the only namespace. */
  namespaceOf(nqn: string, attribute: string): string | undefined {
    return this.subsystems.get(nqn)?.namespaces.get("1")?.attributes.get(attribute);
  }

  list(path: string): Promise<readonly string[]> {
    return settle(() => {
      const [kind = "", name = "", part = ""] = path.split("/");
      if (kind === "hosts") return [...this.hosts];
      if (kind === "subsystems") {
        if (name === "") return [...this.subsystems.keys()];
        const subsystem = this.subsystems.get(name);
        if (part === "namespaces") return [...subsystem?.namespaces.keys() ?? []];
        return [...subsystem?.allowedHosts ?? []];
      }
      return name === "" ? [...this.ports.keys()] : [...this.ports.get(name)?.links ?? []];
    });
  }

  read(path: string): Promise<string> {
    return settle(() => {
      const value = this.#attributesOf(path)?.get(path.slice(path.lastIndexOf("/") + 1));
      if (value === undefined) throw new Refused("ENOENT", path);
      return value;
    });
  }

  write(path: string, value: string): Promise<void> {
    return settle(() => {
      this.#note(`${path}=${value}`);
      const name = path.slice(path.lastIndexOf("/") + 1);
      const attributes = this.#attributesOf(path);
      if (attributes?.has(name) !== true) throw new Refused("ENOENT", path);
      if (path.startsWith("ports/")) this.#checkPortWrite(path);
      else if (path.includes("/namespaces/")) this.#writeNamespace(path, name, value);
      else this.#checkSubsystemWrite(path, name, value);
      attributes.set(name, value);
    });
  }

  makeDirectory(path: string): Promise<void> {
    return settle(() => {
      this.#note(`mkdir ${path}`);
      const [kind, name = "", , namespace = ""] = path.split("/");
      if (kind === "hosts") this.hosts.add(name);
      else if (kind === "ports") insert(this.ports, name, newPort(), path);
      else if (namespace === "") insert(this.subsystems, name, newSubsystem(), path);
      else insert(this.#subsystem(name).namespaces, namespace, newNamespace(), path);
    });
  }

  removeDirectory(path: string): Promise<void> {
    return settle(() => {
      this.#note(`rmdir ${path}`);
      const [kind, name = "", , namespace = ""] = path.split("/");
      if (kind === "ports") {
        if ((this.ports.get(name)?.links.size ?? 0) > 0) throw new Refused("ENOTEMPTY", path);
        this.ports.delete(name);
      } else if (namespace !== "") {
        this.#subsystem(name).namespaces.delete(namespace);
      } else {
        const subsystem = this.subsystems.get(name);
        const isLinked = [...this.ports.values()].some(({ links }) => links.has(name));
        const holds = (subsystem?.namespaces.size ?? 0) + (subsystem?.allowedHosts.size ?? 0);
        if (isLinked || holds > 0) throw new Refused(isLinked ? "EBUSY" : "ENOTEMPTY", path);
        this.subsystems.delete(name);
      }
    });
  }

  link(target: string, into: string): Promise<void> {
    return settle(() => {
      this.#note(`link ${target} ${into}`);
      const name = target.slice(target.lastIndexOf("/") + 1);
      const [kind, owner = ""] = into.split("/");
      if (kind === "ports") {
        this.#subsystem(name);
        this.#port(owner).links.add(name);
        return;
      }
      const subsystem = this.#subsystem(owner);
      if (!this.hosts.has(name)) throw new Refused("ENOENT", target);
      const allowsAny = subsystem.attributes.get("attr_allow_any_host") === "1";
      if (allowsAny) throw new Refused("EINVAL", into);
      subsystem.allowedHosts.add(name);
    });
  }

  unlink(path: string): Promise<void> {
    return settle(() => {
      this.#note(`unlink ${path}`);
      const [kind, owner = "", , name = ""] = path.split("/");
      if (kind === "ports") {
        this.#port(owner).links.delete(name);
        this.subsystems.get(name)?.sessions.clear();
      } else this.#subsystem(owner).allowedHosts.delete(name);
    });
  }

  #checkPortWrite(path: string): void {
    if ((this.ports.get(path.split("/")[1] ?? "")?.links.size ?? 0) > 0) {
      throw new Refused("EACCES", path);
    }
  }

  #checkSubsystemWrite(path: string, name: string, value: string): void {
    const subsystem = this.#subsystem(path.split("/")[1] ?? "");
    const isDiscovered = subsystem.sessions.size > 0;
    const isFixed = name === "attr_serial" || name === "attr_model";
    if (isFixed && isDiscovered) throw new Refused("EINVAL", path);
    const hasHosts = subsystem.allowedHosts.size > 0;
    if (name === "attr_allow_any_host" && value === "1" && hasHosts) {
      throw new Refused("EINVAL", path);
    }
  }

  #writeNamespace(path: string, name: string, value: string): void {
    const nqn = path.split("/")[1] ?? "";
    const namespace = this.#subsystem(nqn).namespaces.get("1");
    if (namespace === undefined) throw new Refused("ENOENT", path);
    if (name === "enable") {
      const device = namespace.attributes.get("device_path") ?? "";
      const isThere = this.loops.devices.has(device);
      if (value === "1" && !isThere) throw new Refused("ENODEV", path);
      namespace.isEnabled = value === "1";
    } else if (name === "revalidate_size") {
      if (!namespace.isEnabled) throw new Refused("EINVAL", path);
    } else if (namespace.isEnabled) throw new Refused("EBUSY", path);
  }

  #attributesOf(path: string): Map<string, string> | undefined {
    const [kind, name = "", part] = path.split("/");
    if (kind === "ports") return this.ports.get(name)?.attributes;
    const subsystem = this.subsystems.get(name);
    return part === "namespaces"
      ? subsystem?.namespaces.get("1")?.attributes
      : subsystem?.attributes;
  }

  #subsystem(nqn: string): ModelSubsystem {
    const subsystem = this.subsystems.get(nqn);
    if (subsystem === undefined) throw new Refused("ENOENT", nqn);
    return subsystem;
  }

  #port(id: string): ModelPort {
    const port = this.ports.get(id);
    if (port === undefined) throw new Refused("ENOENT", id);
    return port;
  }

  #note(call: string): void {
    this.beforeCall(call);
    this.calls.push(call);
  }
}

/** Loop devices over the files of a {@link ModelKernel}. */
export class ModelLoops implements LoopDevices {
  readonly devices: Map<string, { file: string; offsetBytes: number; sizeBytes: number }> =
    new Map();
  readonly #kernel: ModelKernel;
  #last = 0;

  constructor(kernel: ModelKernel) {
    this.#kernel = kernel;
  }

  list(): Promise<readonly LoopDevice[]> {
    return Promise.resolve([...this.devices].map(([path, device]) => ({
      path,
      backingPath: device.file,
      offsetBytes: device.offsetBytes,
      sizeBytes: device.sizeBytes,
      sectorBytes: 512,
    })));
  }

  async attach(backingPath: string, offsetBytes: number): Promise<LoopDevice> {
    this.#kernel.beforeCall(`attach ${backingPath}`);
    this.#kernel.calls.push(`attach ${backingPath}`);
    const size = this.#kernel.files.get(backingPath);
    if (size === undefined) throw new Refused("ENOENT", backingPath);
    const path = `/dev/loop${this.#last++}`;
    this.devices.set(path, { file: backingPath, offsetBytes, sizeBytes: size - offsetBytes });
    const found = (await this.list()).find((device) => device.path === path);
    if (found === undefined) throw new Refused("ENXIO", path);
    return found;
  }

  resize(path: string): Promise<void> {
    const device = this.devices.get(path);
    if (device === undefined) return Promise.reject(new Refused("ENXIO", path));
    device.sizeBytes = (this.#kernel.files.get(device.file) ?? 0) - device.offsetBytes;
    return Promise.resolve();
  }

  detach(path: string): Promise<void> {
    const isUsed = [...this.#kernel.subsystems.values()].some(({ namespaces }) =>
      [...namespaces.values()].some((one) =>
        one.isEnabled && one.attributes.get("device_path") === path
      )
    );
    if (isUsed) return Promise.reject(new Refused("EBUSY", path));
    this.#kernel.calls.push(`detach ${path}`);
    this.devices.delete(path);
    return Promise.resolve();
  }
}

function settle<T>(act: () => T): Promise<T> {
  return new Promise((resolve) => resolve(act()));
}

function insert<T>(map: Map<string, T>, name: string, value: T, path: string): void {
  if (map.has(name)) throw new Refused("EEXIST", path);
  map.set(name, value);
}

function newSubsystem(): ModelSubsystem {
  return {
    attributes: new Map([
      ["attr_allow_any_host", "0"],
      ["attr_serial", "random"],
      ["attr_model", "Linux"],
      ["attr_cntlid_min", "1"],
    ]),
    namespaces: new Map(),
    allowedHosts: new Set(),
    sessions: new Set(),
  };
}

function newNamespace(): ModelNamespace {
  return {
    attributes: new Map([
      ["device_path", "(null)"],
      ["device_uuid", "00000000-0000-4000-8000-000000000001"],
      ["device_nguid", "00000000-0000-0000-0000-000000000000"],
      ["enable", "0"],
      ["revalidate_size", "0"],
    ]),
    isEnabled: false,
  };
}

function newPort(): ModelPort {
  const names = ["addr_trtype", "addr_adrfam", "addr_traddr", "addr_trsvcid"];
  return { attributes: new Map(names.map((name) => [name, ""])), links: new Set() };
}
