/**
 * The specs of csi-sanity that do not run against us, each by its full name with the reason. The
 * list is exact: a skip that is not here, and an entry that does run, fail the run.
 * docs/reference/conformance.md is tested against it.
 */
export const EXPECTED_SKIPS: Readonly<Record<string, string>> = {};
