/**
 * What CreateVolume tells the node about a volume, by way of the orchestrator, which keeps it with
 * the volume and adds keys of its own. What the node does not need is left alone: a volume that
 * was made by an older version must stay usable.
 */
import { describeSource } from "./volume.ts";
import type { ContentSource } from "./volume.ts";
import { parseVolumeParameters } from "./volume_parameters.ts";
import type { FsckPolicy } from "./volume_parameters.ts";

/** What the node needs to know of a volume beyond where it is. */
export interface VolumeContext {
  /** Whether the volume was made from a snapshot or another volume: then it is never formatted. */
  readonly isCopy: boolean;
  readonly mkfsOptions: readonly string[];
  readonly fsckPolicy: FsckPolicy;
}

type Texts = Readonly<Record<string, string>>;

/** The StorageClass parameters that the node reads. */
const NODE_PARAMETERS = ["mkfsOptions", "fsckPolicy"] as const;
const SOURCE_KEY = "contentSource";

/**
 * The volume context of a volume that is made with these StorageClass parameters, as given, from
 * this source; the inverse of {@link parseVolumeContext}.
 */
export function volumeContextOf(
  parameters: Texts,
  source: ContentSource | undefined,
): Record<string, string> {
  const context = pick(parameters);
  if (source !== undefined) context[SOURCE_KEY] = describeSource(source);
  return context;
}

/**
 * What a volume context says to the node.
 * @throws {StorageError} `invalid` naming the key, the value and what is allowed.
 */
export function parseVolumeContext(context: Texts): VolumeContext {
  const { mkfsOptions, fsckPolicy } = parseVolumeParameters(pick(context));
  return { isCopy: Object.hasOwn(context, SOURCE_KEY), mkfsOptions, fsckPolicy };
}

function pick(texts: Texts): Record<string, string> {
  const picked: Record<string, string> = {};
  for (const key of NODE_PARAMETERS) {
    const text = texts[key];
    if (text !== undefined) picked[key] = text;
  }
  return picked;
}
