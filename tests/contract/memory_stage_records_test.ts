/** The stage records in memory keep their contract. */
import { MemoryStageRecords } from "../../src/adapters/memory/stage_records.ts";
import { testStageRecordsContract } from "./stage_records.ts";

testStageRecordsContract("memory", () => {
  const records = new MemoryStageRecords();
  return Promise.resolve({
    records,
    damage: (volumeId) => Promise.resolve(records.damage(volumeId)),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  });
});
