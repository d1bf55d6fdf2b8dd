/** What every use case of the node works with. */
import type { FileSystems } from "../ports/file_systems.ts";
import type { Mounter } from "../ports/mounter.ts";
import type { NvmeHost } from "../ports/nvme_host.ts";

/** The three conversations of the node with its own kernel. */
export interface NodePorts {
  readonly host: NvmeHost;
  readonly mounter: Mounter;
  readonly fileSystems: FileSystems;
}
