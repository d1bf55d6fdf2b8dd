/** What every use case of the node works with. */
import type { Clock } from "../ports/clock.ts";
import type { Observe } from "../ports/events.ts";
import type { FileSystems } from "../ports/file_systems.ts";
import type { Mounter } from "../ports/mounter.ts";
import type { NvmeHost } from "../ports/nvme_host.ts";
import type { StageRecords } from "../ports/stage_records.ts";
import type { KeyedLock } from "./keyed_lock.ts";
import type { Reconnects } from "./reconnects.ts";

/** The conversations of the node with its own kernel, and what it remembers of them. */
export interface NodePorts {
  readonly host: NvmeHost;
  readonly mounter: Mounter;
  readonly fileSystems: FileSystems;
  readonly records: StageRecords;
}

/** What the use cases and the guardian of one process share. */
export interface NodeShared {
  readonly locks: KeyedLock;
  readonly clock: Clock;
  readonly observe: Observe;
  readonly reconnects: Reconnects;
}

/** All that a use case of the node works with. */
export interface NodeContext extends NodePorts, NodeShared {
  /** The boot of this machine: nothing of another one is left in the kernel. */
  readonly bootId: string;
}
