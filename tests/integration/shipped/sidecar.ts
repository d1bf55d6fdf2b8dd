/** A caller as the sidecars are: it repeats a call that was told that another one runs. */
import { status } from "@grpc/grpc-js";
import { codeOf } from "../../../tools/trial/csi_client.ts";

const RETRIES_MAX = 1000;

/** Several workers of one sidecar. */
export class Sidecar {
  #settled = Promise.withResolvers<void>();
  #running = 0;

  /**
   * Makes a call, and repeats it while it ends with ABORTED: each time when another call has ended,
   * or at once when none runs.
   */
  async persist<Result>(call: () => Promise<Result>): Promise<Result> {
    for (let attempt = 1;; attempt++) {
      try {
        return await this.#run(call);
      } catch (error) {
        if (codeOf(error) !== status.ABORTED || attempt === RETRIES_MAX) throw error;
      }
      if (this.#running > 0) await this.#settled.promise;
    }
  }

  async #run<Result>(call: () => Promise<Result>): Promise<Result> {
    this.#running += 1;
    try {
      const result = await call();
      this.#settle();
      return result;
    } finally {
      this.#running -= 1;
      if (this.#running === 0) this.#settle();
    }
  }

  #settle(): void {
    this.#settled.resolve();
    this.#settled = Promise.withResolvers<void>();
  }
}
