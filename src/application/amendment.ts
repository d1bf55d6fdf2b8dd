/** Changing what is recorded with a volume, when others may change it at the same time. */
import { StorageError } from "../domain/errors.ts";
import type { Volume } from "../domain/volume.ts";
import type { VolumeId } from "../domain/volume_id.ts";
import type { VolumeAmendment } from "../ports/volume_store.ts";
import type { Backends, Located } from "./backends.ts";

/** So often we look again when somebody else was faster; then the caller's own retry takes over. */
const ATTEMPTS_MAX = 3;

/**
 * Reads the volume, asks `plan` what to change, and changes it; once more from the start when the
 * record changed in between. Returns the volume as it is afterwards, or undefined when there is
 * none of that id.
 * @throws {StorageError} `busy` when the record changed every time, `not-found` when the volume
 * vanished in between, and what `plan` throws.
 */
export async function amendVolume(
  backends: Backends,
  id: VolumeId,
  plan: (volume: Volume) => VolumeAmendment | undefined,
  signal: AbortSignal,
): Promise<Located<Volume> | undefined> {
  for (let attempt = 1;; attempt++) {
    const found = await backends.find(id, signal);
    if (found === undefined) return undefined;
    const amendment = plan(found.item);
    if (amendment === undefined) return found;
    try {
      const item = await found.backend.volumes.amend(found.item, amendment, signal);
      return { backend: found.backend, item };
    } catch (error) {
      const isTooLate = error instanceof StorageError && error.code === "busy";
      if (!isTooLate || attempt === ATTEMPTS_MAX) throw error;
    }
  }
}

/** What to throw for a volume that no array has. */
export function volumeNotFound(id: string): StorageError {
  return new StorageError("not-found", `Cannot find volume "${id}": no array has it`);
}
