/** The health of a staged volume at its staging path, from tables of the kernel alone. */
import { diagnose } from "../domain/health.ts";
import type { Findings, Health } from "../domain/health.ts";
import type { PathUse } from "../ports/mounter.ts";
import type { NvmeSession } from "../ports/nvme_host.ts";
import type { StageRecord } from "../ports/stage_records.ts";
import type { NodeContext } from "./node_ports.ts";

/** Diagnoses the volume of a record. @param session the volume's, as the kernel shows it now */
export async function healthOf(
  { mounter, reconnects }: Pick<NodeContext, "mounter" | "reconnects">,
  record: StageRecord,
  session: NvmeSession | undefined,
  signal: AbortSignal,
): Promise<Health> {
  const { volumeId, phase, stagingPath, capability, device } = record;
  const shown = capability.access.type === "block"
    ? "unasked"
    : shownBy(await mounter.look(stagingPath, signal), session);
  const connectFailure = reconnects.failureOf(volumeId);
  return diagnose({ phase, staged: device, session, shown, connectFailure });
}

function shownBy(use: PathUse, session: NvmeSession | undefined): Findings["shown"] {
  switch (use.kind) {
    case "nothing":
    case "directory":
    case "other":
    case "block":
      return "nothing";
    case "mount": {
      const number = session?.device?.number;
      const isCurrent = number === undefined || use.device === number;
      return use.isAlive && isCurrent ? "alive" : "dead";
    }
  }
}
