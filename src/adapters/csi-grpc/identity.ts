/** The Identity service: who the driver is, and whether it is ready. */
import {
  type Identity,
  PluginCapability_Service_Type,
  PluginCapability_VolumeExpansion_Type,
} from "./gen/csi_pb.ts";
import type { HandlersOf } from "./service.ts";

/** What the driver says of itself. */
export interface DriverIdentity {
  /** In domain name notation, at most 63 characters. */
  readonly name: string;
  readonly version: string;
  /** Answers at once, from what is known; it must not ask the array. */
  readonly isReady: () => boolean;
}

/**
 * The handlers of the Identity service; the same for the controller and for the nodes, because
 * the capabilities describe the driver as a whole.
 *
 * VOLUME_ACCESSIBILITY_CONSTRAINTS is not announced: every node reaches every volume.
 */
export function identityHandlers(identity: DriverIdentity): HandlersOf<typeof Identity> {
  return {
    getPluginInfo: () => Promise.resolve({ name: identity.name, vendorVersion: identity.version }),
    getPluginCapabilities: () =>
      Promise.resolve({
        capabilities: [
          {
            type: {
              case: "service",
              value: { type: PluginCapability_Service_Type.CONTROLLER_SERVICE },
            },
          },
          {
            type: {
              case: "volumeExpansion",
              value: { type: PluginCapability_VolumeExpansion_Type.ONLINE },
            },
          },
        ],
      }),
    probe: () => Promise.resolve({ ready: identity.isReady() }),
  };
}
