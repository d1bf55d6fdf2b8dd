/** What the worker does for each kind of call. Every function may wait for ever in the kernel. */
import type {
  DeviceWindow,
  FileSystemMeasure,
  KernelCall,
  WindowContent,
} from "../../ports/kernel_calls.ts";
import { alignedBuffer } from "./aligned_buffer.ts";
import { KernelError } from "./libc.ts";
import type { LibC, OpenFlags } from "./libc.ts";
import { findOpeners, procFiles } from "./openers.ts";

/** Where the kernel takes connections of NVMe over Fabrics. */
const FABRICS_PATH = "/dev/nvme-fabrics";
/** The reply is one line; the list of all options, which comes without a connect, is below this. */
const REPLY_BYTES = 4096;
const CHUNK_BYTES = 1024 ** 2;

/**
 * Makes a call and gives its answer.
 * @param fabricsPath another place than the kernel's, for tests
 * @throws {KernelError} what the kernel refuses
 */
export function act(libc: LibC, call: KernelCall, fabricsPath: string = FABRICS_PATH): unknown {
  switch (call.kind) {
    case "write-file":
      return withFile(libc, call.path, { access: "write" }, (descriptor) => {
        checkBeside(libc, call.path, call.beside ?? {});
        writeOnce(libc, descriptor, call.text);
        return null;
      });
    case "connect-nvme":
      return withFile(libc, fabricsPath, { access: "both" }, (descriptor) => {
        writeOnce(libc, descriptor, call.options);
        const reply = new Uint8Array(REPLY_BYTES);
        return new TextDecoder().decode(reply.subarray(0, libc.read(descriptor, reply)));
      });
    case "open-exclusively":
      return withDevice(libc, call, { access: "both", isExclusive: true }, () => null);
    case "find-openers":
      return findOpeners(procFiles(libc), call.numbers);
    case "read-device":
      return withDevice(
        libc,
        call,
        { access: "read", isDirect: true },
        (descriptor) => readWindows(libc, descriptor, call.windows),
      );
    case "measure-file-system":
      // A file system that has given up still answers statfs; an xfs does not let itself be opened.
      return withFile(libc, call.path, { access: "read" }, () => measure(libc, call.path));
  }
}

function withFile<T>(
  libc: LibC,
  path: string,
  flags: OpenFlags,
  use: (descriptor: number) => T,
): T {
  const descriptor = libc.open(path, flags);
  try {
    return use(descriptor);
  } finally {
    libc.close(descriptor);
  }
}

/** Opens what the path leads to only after it was seen to be the device that is meant. */
function withDevice<T>(
  libc: LibC,
  { path, number }: { readonly path: string; readonly number: string },
  flags: OpenFlags,
  use: (descriptor: number) => T,
): T {
  return withFile(libc, path, { access: "path" }, (place) => {
    const { isBlockDevice, device } = libc.kindOf(place);
    if (!isBlockDevice || device !== number) throw new KernelError("ENXIO", "open");
    return withFile(libc, `/proc/self/fd/${place}`, flags, use);
  });
}

/** Names in sysfs are given again: whose an open file is, the files beside it say. */
function checkBeside(libc: LibC, path: string, beside: Readonly<Record<string, string>>): void {
  const directory = path.slice(0, path.lastIndexOf("/"));
  for (const [name, wanted] of Object.entries(beside)) {
    const bytes = new Uint8Array(REPLY_BYTES);
    const length = withFile(
      libc,
      `${directory}/${name}`,
      { access: "read" },
      (descriptor) => libc.read(descriptor, bytes),
    );
    const text = new TextDecoder().decode(bytes.subarray(0, length)).trim();
    if (text !== wanted) throw new KernelError("ENODEV", "write");
  }
}

/** Files of the kernel take a text in one piece or not at all. */
function writeOnce(libc: LibC, descriptor: number, text: string): void {
  const bytes = new TextEncoder().encode(text);
  if (libc.write(descriptor, bytes) !== bytes.length) throw new KernelError("EIO", "write");
}

function readWindows(
  libc: LibC,
  descriptor: number,
  windows: readonly DeviceWindow[],
): WindowContent[] {
  const chunk = alignedBuffer(CHUNK_BYTES);
  const zeros = new Uint8Array(CHUNK_BYTES);
  return windows.map(({ offset, length, want }) => {
    const bytes = new Uint8Array(want === "bytes" ? length : 0);
    let isZero = true;
    for (let done = 0; done < length; done += CHUNK_BYTES) {
      const piece = chunk.subarray(0, Math.min(CHUNK_BYTES, length - done));
      readFully(libc, descriptor, piece, offset + done);
      isZero &&= libc.isSame(piece, zeros);
      if (want === "bytes") bytes.set(piece, done);
    }
    return want === "bytes" && !isZero ? { isZero, base64: bytes.toBase64() } : { isZero };
  });
}

/** The end of the device inside a window is an error like any other: not all of it was seen. */
function readFully(
  libc: LibC,
  descriptor: number,
  into: Uint8Array<ArrayBuffer>,
  offset: number,
): void {
  for (let done = 0; done < into.length;) {
    const count = libc.readAt(descriptor, into.subarray(done), offset + done);
    if (count === 0) throw new KernelError("EIO", "pread");
    done += count;
  }
}

function measure(libc: LibC, path: string): FileSystemMeasure {
  const { type, bsize, frsize, blocks, bfree, bavail, files, ffree } = libc.statfs(path);
  return {
    type,
    blockBytes: frsize === 0 ? bsize : frsize,
    blocks,
    freeBlocks: bfree,
    availableBlocks: bavail,
    inodes: files,
    freeInodes: ffree,
  };
}
