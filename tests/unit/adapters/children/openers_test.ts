import assert from "node:assert/strict";
import { findOpeners } from "../../../../src/adapters/children/openers.ts";
import type { ProcFiles } from "../../../../src/adapters/children/openers.ts";

const READ_ONLY = "pos:\t0\nflags:\t02100000\nmnt_id:\t23\n";
const READ_WRITE = "pos:\t4096\nflags:\t02140002\nmnt_id:\t1204\n";
const FILE = { isBlockDevice: false, device: "259:3" };
const device = (number: string): { isBlockDevice: boolean; device: string } => ({
  isBlockDevice: true,
  device: number,
});

/** One process of the tree. */
interface FakeProcess {
  readonly name?: string;
  readonly fd?: Readonly<Record<string, ReturnType<typeof device>>>;
  readonly fdinfo?: Readonly<Record<string, string>>;
}

/** A tree of /proc: by process id what it has open; beside them what else is there. */
function proc(
  processes: Readonly<Record<string, FakeProcess>>,
  texts: Readonly<Record<string, string>> = {},
  nodes: Readonly<Record<string, string>> = {},
): ProcFiles {
  const part = (path: string): [FakeProcess | undefined, string, string] => {
    const [, , process = "", directory = "", name = ""] = path.split("/");
    return [processes[process], directory, name];
  };
  return {
    list: (path) => {
      if (path === "/proc") return [...Object.keys(processes), "self", "sys", "mounts"];
      if (path === "/sys/block") return ["loop0", "loop1", "nvme0n1"];
      return Object.keys(part(path)[0]?.fd ?? {});
    },
    read: (path) => {
      if (texts[path] !== undefined) return texts[path];
      const [process, directory, name] = part(path);
      return directory === "comm" ? process?.name : process?.fdinfo?.[name];
    },
    kindOf: (path) => {
      if (nodes[path] !== undefined) return device(nodes[path]);
      const [process, , name] = part(path);
      return process?.fd?.[name];
    },
  };
}

Deno.test("a process is found by the number of what it has open, writers first", () => {
  const files = proc({
    "1": { name: "systemd\n", fd: { "0": FILE, "9": device("8:0") } },
    "77": { name: "blkid\n", fd: { "3": device("259:3") }, fdinfo: { "3": READ_ONLY } },
    "4711": {
      name: "qemu-system-x86\n",
      fd: { "0": FILE, "5": device("259:3"), "6": device("259:3") },
      fdinfo: { "5": READ_ONLY, "6": READ_WRITE },
    },
  });
  assert.deepEqual(findOpeners(files, ["259:3"]), [
    { pid: 4711, name: "qemu-system-x86", canWrite: true },
    { pid: 77, name: "blkid", canWrite: false },
  ]);
  assert.deepEqual(findOpeners(files, ["259:4"]), []);
  assert.deepEqual(findOpeners(files, ["259:4", "8:0"]).map(({ pid }) => pid), [1]);
});

Deno.test("a file that merely lies on the device is none of its openers", () => {
  const files = proc({ "5": { name: "postgres\n", fd: { "3": FILE } } });
  assert.deepEqual(findOpeners(files, ["259:3"]), []);
});

Deno.test("a process that went away before it said how it opened the device may write", () => {
  const files = proc({ "5": { fd: { "3": device("259:3") } } });
  assert.deepEqual(findOpeners(files, ["259:3"]), [{ pid: 5, name: "unknown", canWrite: true }]);
});

Deno.test("a process that went away altogether is no opener", () => {
  const vanished = { fd: { "3": undefined } } as unknown as FakeProcess;
  assert.deepEqual(findOpeners(proc({ "5": vanished, "6": {} }), ["259:3"]), []);
});

Deno.test("at most eight processes are named, none of them a reader before a writer", () => {
  const opener = { name: "dd", fd: { "3": device("259:3") } };
  const readers = Object.fromEntries(
    Array.from({ length: 20 }, (_, at) => [100 + at, { ...opener, fdinfo: { "3": READ_ONLY } }]),
  );
  const files = proc({ ...readers, "900": { ...opener, fdinfo: { "3": READ_WRITE } } });
  const found = findOpeners(files, ["259:3"]);
  assert.equal(found.length, 8);
  assert.deepEqual(found[0], { pid: 900, name: "dd", canWrite: true });
});

const KUBELET = "/var/lib/kubelet/plugins/kubernetes.io/csi/volumeDevices/publish/pvc-1/uid";
const MOUNTS = [
  "1 0 0:2 / / rw - overlay overlay rw",
  "2 1 8:1 / /var/lib/kubelet rw shared:1 - ext4 /dev/sda1 rw",
  "3 1 0:99 / /srv rw - nfs4 dead:/srv rw",
  "4 3 8:2 / /srv/local rw - ext4 /dev/sdb1 rw",
].join("\n");

Deno.test("a loop device over the device is found, by whatever path it was made", () => {
  const texts = {
    "/proc/self/mountinfo": MOUNTS,
    "/sys/block/loop0/loop/backing_file": "/var/lib/images/a.img\n",
    "/sys/block/loop1/loop/backing_file": `${KUBELET}\n`,
    "/sys/block/loop1/ro": "0\n",
  };
  const files = proc({}, texts, { [KUBELET]: "259:3" });
  assert.deepEqual(findOpeners(files, ["259:3"]), [{ name: "loop1", canWrite: true }]);
  assert.deepEqual(findOpeners(files, ["259:4"]), []);
});

Deno.test("the path of a loop device is not followed to or over a server", () => {
  for (const path of ["/srv/disk.img", "/srv/local/disk.img"]) {
    const texts = {
      "/proc/self/mountinfo": MOUNTS,
      "/sys/block/loop0/loop/backing_file": path,
    };
    const files = proc({}, texts);
    const asked: string[] = [];
    const kindOf = (each: string): undefined => void asked.push(each);
    assert.deepEqual(findOpeners({ ...files, kindOf }, ["259:3"]), []);
    assert.deepEqual(asked, []);
  }
});
