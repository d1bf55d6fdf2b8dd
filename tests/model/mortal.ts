/** Death at an exact moment: of a controller that sends commands, at the n-th of them. */
import { StorageError } from "../../src/domain/errors.ts";

/** A life that can end between two commands. */
export class Mortal {
  #countdown = Infinity;
  #moment: "before" | "after" = "before";
  #isDead = false;
  readonly #onDeath: () => void;

  /** @param onDeath called once */
  constructor(onDeath: () => void) {
    this.#onDeath = onDeath;
  }

  /** Ends this life at the n-th command from now: instead of sending it, or right after. */
  dieAt(command: number, moment: "before" | "after"): void {
    this.#countdown = command;
    this.#moment = moment;
  }

  /** Ends this life now. */
  die(): void {
    if (this.#isDead) return;
    this.#isDead = true;
    this.#onDeath();
  }

  /**
   * To be called for every command before it is sent.
   * @throws {StorageError} `unavailable` when dead: what its callers see of a process that is gone.
   */
  sends(): void {
    this.#countdown -= 1;
    if (this.#countdown === 0 && this.#moment === "before") this.die();
    if (this.#isDead) {
      throw new StorageError("unavailable", "Cannot send a command: the process has crashed");
    }
    // The command goes out first, so that the array gets to see it.
    if (this.#countdown === 0) setTimeout(() => this.die(), 0);
  }
}
