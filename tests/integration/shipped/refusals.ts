/** Looking at calls that are refused. */
import assert from "node:assert/strict";
import { status } from "@grpc/grpc-js";
import type { ServiceError } from "@grpc/grpc-js";

/** The names of the gRPC statuses a call can be refused with. */
export type StatusName = Exclude<keyof typeof status, "OK">;

/** Asserts that `call` is refused so. @returns the text of the refusal */
export async function refused(
  call: Promise<unknown>,
  code: StatusName,
  says: RegExp,
): Promise<string> {
  const error = await call.then(() => undefined, (thrown: ServiceError) => thrown);
  if (error === undefined) assert.fail(`the call succeeded; ${code} is right`);
  assert.equal(status[error.code], code, error.message);
  assert.match(error.details, says);
  return error.details;
}
