/**
 * Space accounting. The real files are sparse, the box's are not: a file of 1 GiB takes 1 GiB from
 * the moment it is made. Copies that share blocks share layers, and a layer counts once. That
 * blocks of a copy diverge when written to is not accounted for.
 */
import type { Layer } from "./records.ts";

/** What is used of each mount, by the layers of the files on it. */
export class Capacity {
  readonly #references = new Map<number, number>();
  readonly #usedBytes = new Map<string, number>();
  #nextLayer = 1;

  /** A new layer of its own. */
  layer(bytes: number): Layer {
    return { id: this.#nextLayer++, bytes };
  }

  /** Counts a file's layers in. */
  retain(mount: string, layers: readonly Layer[]): void {
    for (const { id, bytes } of layers) {
      const references = this.#references.get(id) ?? 0;
      this.#references.set(id, references + 1);
      if (references === 0) this.#use(mount, bytes);
      this.#nextLayer = Math.max(this.#nextLayer, id + 1);
    }
  }

  /** Counts a file's layers out; a layer no file has any more is free. */
  release(mount: string, layers: readonly Layer[]): void {
    for (const { id, bytes } of layers) {
      const references = (this.#references.get(id) ?? 0) - 1;
      if (references > 0) {
        this.#references.set(id, references);
        continue;
      }
      this.#references.delete(id);
      this.#use(mount, -bytes);
    }
  }

  /** The bytes that the files of a mount take. */
  usedBytes(mount: string): number {
    return this.#usedBytes.get(mount) ?? 0;
  }

  #use(mount: string, bytes: number): void {
    this.#usedBytes.set(mount, this.usedBytes(mount) + bytes);
  }
}

/** The layers of a file cut to `sizeBytes`; a layer that is cut is replaced by an own, shorter one. */
export function cutLayers(
  layers: readonly Layer[],
  sizeBytes: number,
  own: (bytes: number) => Layer,
): Layer[] {
  const kept: Layer[] = [];
  let total = 0;
  for (const layer of layers) {
    if (total >= sizeBytes) break;
    const bytes = Math.min(layer.bytes, sizeBytes - total);
    kept.push(bytes === layer.bytes ? layer : own(bytes));
    total += bytes;
  }
  return kept;
}
