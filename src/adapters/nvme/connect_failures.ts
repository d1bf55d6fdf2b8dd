/**
 * What the kernel's answer to a request for a connection means. The error number is all it gives:
 * which status the target had sent is only in the kernel's log.
 */
import { StorageError } from "../../domain/errors.ts";
import type { StorageErrorCode } from "../../domain/errors.ts";

/** What to do after the kernel refused. */
export type ConnectVerdict =
  /** The connection is there, or is being brought back: look again. */
  | { readonly kind: "present" }
  /** Something ran short; a smaller request may be granted. */
  | { readonly kind: "too-much"; readonly error: StorageError }
  | {
    readonly kind: "refused";
    readonly error: StorageError;
    /** Whether the kernel waited long for it: every other connect of the node waited too. */
    readonly isSlow: boolean;
  };

interface Meaning {
  readonly code: StorageErrorCode;
  readonly words: string;
  readonly isSlow?: boolean;
  readonly isTooMuch?: boolean;
}

const LOAD =
  "/dev/nvme-fabrics is not there: on the node run `modprobe nvme-tcp` (and have it loaded at " +
  "boot, by a file in /etc/modules-load.d), and let the driver see the host's /dev";
const NO_ROUTE = "this node has no route to it; the driver has to run in the host's network";
const SOURCE_ADDRESS = "the source address or interface is none of this node's";
const SECRET = "the target wants a secret or a TLS key, which the driver does not pass";

const MEANINGS: Readonly<Record<string, Meaning>> = {
  ECONNREFUSED: {
    code: "unavailable",
    words: "nothing listens there; the array is starting, or does not export the volume",
  },
  ENETUNREACH: { code: "unavailable", words: NO_ROUTE },
  EHOSTUNREACH: { code: "unavailable", words: NO_ROUTE },
  ENETDOWN: { code: "unavailable", words: NO_ROUTE },
  ETIMEDOUT: {
    code: "unavailable",
    words: "it does not answer; the array is down, or a firewall drops the packets",
    isSlow: true,
  },
  EAGAIN: {
    code: "unavailable",
    words: "it accepted the connection and stayed silent; the port may not be one for NVMe/TCP",
    isSlow: true,
  },
  EIO: {
    code: "unavailable",
    words: "the target answered and refused: it does not export this volume, or does not allow " +
      "this host; the node's kernel log says which",
  },
  EINVAL: {
    code: "invalid",
    words: "the kernel refused the request; its log says why. Known reasons: another connection " +
      "of this node uses the same host NQN with another host id, or the same host id with " +
      'another host NQN; "Duplicate cntlid" while an old connection to the same volume is ' +
      'lost; "Invalid MNAN value" from an array that is too old for this kernel',
  },
  EKEYREJECTED: { code: "invalid", words: SECRET },
  ENOKEY: { code: "invalid", words: SECRET },
  EADDRNOTAVAIL: { code: "invalid", words: SOURCE_ADDRESS },
  EADDRINUSE: { code: "invalid", words: "the kernel found the host NQN given twice" },
  ENODEV: { code: "not-ready", words: LOAD },
  ENOENT: { code: "not-ready", words: LOAD },
  ENXIO: { code: "not-ready", words: LOAD },
  EACCES: { code: "not-ready", words: "the driver may not use /dev/nvme-fabrics: it needs root" },
  EPERM: { code: "not-ready", words: "the driver may not use /dev/nvme-fabrics: it needs root" },
  EBUSY: { code: "unavailable", words: "an old connection to it is still being removed" },
  EOPNOTSUPP: { code: "unavailable", words: "the target refused an option" },
  ECONNRESET: {
    code: "unavailable",
    words: "it closed the connection; it may have no room for more",
    isTooMuch: true,
  },
  ENOMEM: { code: "unavailable", words: "no queue could be set up", isTooMuch: true },
  ENOBUFS: { code: "unavailable", words: "the node has no memory for sockets", isTooMuch: true },
  ENOSPC: { code: "unavailable", words: "the node ran out of numbers", isTooMuch: true },
};

/**
 * @param errno the name of the error of the write or of the open before it
 * @param what the volume and where it is wanted, for the message
 */
export function judgeConnect(errno: string, what: string): ConnectVerdict {
  if (errno === "EALREADY") return { kind: "present" };
  const { code, words, isSlow = false, isTooMuch = false } = MEANINGS[errno] ??
    { code: "unavailable", words: "the kernel failed" };
  const error = new StorageError(code, `Cannot connect to ${what}: ${words} (${errno})`);
  return isTooMuch ? { kind: "too-much", error } : { kind: "refused", error, isSlow };
}
