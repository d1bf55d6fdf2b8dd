import assert from "node:assert/strict";
import { create, toJson } from "@bufbuild/protobuf";
import {
  GetPluginCapabilitiesRequestSchema,
  GetPluginCapabilitiesResponseSchema,
  GetPluginInfoRequestSchema,
  ProbeRequestSchema,
} from "../../../../src/adapters/csi-grpc/gen/csi_pb.ts";
import { identityHandlers } from "../../../../src/adapters/csi-grpc/identity.ts";

const CONTEXT = { method: "", signal: new AbortController().signal, deadlineMs: Infinity };
const HANDLERS = (isReady: () => boolean) =>
  identityHandlers({ name: "rds.example.org", version: "1.2.3", isReady });

Deno.test("getPluginInfo() gives the name and the version", async () => {
  const info = await HANDLERS(() => true).getPluginInfo?.(
    create(GetPluginInfoRequestSchema),
    CONTEXT,
  );
  assert.deepEqual(info, { name: "rds.example.org", vendorVersion: "1.2.3" });
});

Deno.test("getPluginCapabilities() announces the controller and expansion in use, and no more", async () => {
  const answer = await HANDLERS(() => true)
    .getPluginCapabilities?.(create(GetPluginCapabilitiesRequestSchema), CONTEXT);
  const response = create(GetPluginCapabilitiesResponseSchema, answer);
  assert.deepEqual(toJson(GetPluginCapabilitiesResponseSchema, response), {
    capabilities: [
      { service: { type: "CONTROLLER_SERVICE" } },
      { volumeExpansion: { type: "ONLINE" } },
    ],
  });
});

Deno.test("probe() asks anew each time whether the driver is ready", async () => {
  let isReady = false;
  const handlers = HANDLERS(() => isReady);
  assert.deepEqual(await handlers.probe?.(create(ProbeRequestSchema), CONTEXT), { ready: false });
  isReady = true;
  assert.deepEqual(await handlers.probe?.(create(ProbeRequestSchema), CONTEXT), { ready: true });
});
