/** A CSI call with the answer that the model expects. */
import type { DescMessage, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import type { STATUS } from "../../src/adapters/csi-grpc/status.ts";
import type { CsiClient, UnaryMethod } from "../../tools/trial/csi_client.ts";

/** The name of a gRPC status. */
export type Status = keyof typeof STATUS;

/** Reads what stands in a volume or snapshot on the array. */
export type ReadContent = (id: string) => Promise<string>;

/** A call that can be tried as often as it takes; what is expected of it does not change. */
export interface PlannedCall {
  /** The answers that are right: `OK` alone, or failures of which each is. */
  readonly expected: readonly Status[];
  /**
   * Tries once. The result compares the answer with the model and enters it there; it may be called
   * for several answers.
   * @throws {Error} grpc-js's, with the status.
   */
  attempt(client: CsiClient, deadlineMs: number): Promise<() => Promise<void>>;
}

/** A call of one method; `failures` are the failures it must end in, none = it must succeed. */
export function planned<I extends DescMessage, O extends DescMessage>(
  method: UnaryMethod<I, O>,
  request: MessageInitShape<I>,
  failures: readonly Status[],
  accept: (reply: MessageShape<O>) => Promise<void> | void = () => {},
): PlannedCall {
  return {
    expected: expectedOf(failures),
    attempt: async (client, deadlineMs) => {
      const reply = await client.call(method, request, { deadlineMs });
      return async () => await accept(reply);
    },
  };
}

/** What must be answered when these failures are right. */
export function expectedOf(failures: readonly Status[]): readonly Status[] {
  return failures.length === 0 ? ["OK"] : failures;
}
