/**
 * The specs of csi-sanity that do not run against us, each by its full name with the reason. The
 * list is exact: a skip that is not here, and an entry that does run, fail the run.
 * docs/reference/conformance.md is tested against it.
 */

const CONTROLLER = "Controller Service [Controller Server]";
const GROUPS = "GroupController Service [GroupController VolumeGroupSnapshots]";
const NO_GROUPS =
  "the box has no way to cut several volumes at one moment, so group snapshots are not offered";

/** Why each spec does not run, by its name. */
export const EXPECTED_SKIPS: Readonly<Record<string, string>> = {
  [`${CONTROLLER} ControllerPublishVolume should fail when publishing more volumes than the node max attach limit`]:
    "NVMe/TCP has no small limit per node, so none is announced and the orchestrator sets its own",
  [`${CONTROLLER} ListVolumes pagination should detect volumes added between pages and accept tokens when the last volume from a page is deleted`]:
    "switched off in the suite itself; tests/unit/domain/paging_test.ts holds what it would ask",
  "GroupController Service [GroupController Server] GroupControllerGetCapabilities should return appropriate capabilities":
    NO_GROUPS,
  [`${GROUPS} CreateVolumeGroupSnapshot should fail when no name is provided`]: NO_GROUPS,
  [`${GROUPS} DeleteVolumeGroupSnapshot should fail when no volume id is provided`]: NO_GROUPS,
  [`${GROUPS} DeleteVolumeGroupSnapshot should succeed when an invalid volume id is used`]:
    NO_GROUPS,
  [`${GROUPS} GetVolumeGroupSnapshot should fail when an invalid volume id is used`]: NO_GROUPS,
  [`${GROUPS} GetVolumeGroupSnapshot should fail when no volume id is provided`]: NO_GROUPS,
};
