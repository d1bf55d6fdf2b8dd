/** Which versions of Deno the driver runs on, and why not on others. Pure. */

/** The version that everything is built, tested and shipped with; named nowhere else first. */
export const PINNED_DENO_VERSION = "2.9.3";

/** The first version that can serve clients written with grpc-js. */
const FIRST_THAT_SERVES: readonly [major: number, minor: number] = [2, 7];
const ABORTING: ReadonlySet<string> = new Set(["2.9.4", "2.9.5", "2.9.6"]);

/**
 * Why the driver must not run on Deno `version`, in words with the remedy, or undefined when it
 * may. Versions later than the known ones are not refused.
 */
export function refusalOfRuntime(version: string): string | undefined {
  const reason = reasonAgainst(version);
  if (reason === undefined) return undefined;
  return `Cannot run on Deno ${version}: ${reason}. Use ${PINNED_DENO_VERSION}, for example ` +
    `"npx -y deno@${PINNED_DENO_VERSION} task rds-csi"`;
}

function reasonAgainst(version: string): string | undefined {
  const [, major, minor] = /^(\d+)\.(\d+)\.\d+/.exec(version) ?? [];
  if (major === undefined || minor === undefined) return "it is not a version of Deno we know";
  const [leastMajor, leastMinor] = FIRST_THAT_SERVES;
  const isOld = Number(major) < leastMajor ||
    (Number(major) === leastMajor && Number(minor) < leastMinor);
  if (isOld) return "its http2 module lacks what a gRPC server needs (getDefaultSettings)";
  if (ABORTING.has(version.replace(/[+-].*$/, ""))) {
    return "the whole process aborts when a gRPC client that made many calls goes away " +
      "(nghttp2 assertion closed_next == NULL)";
  }
  return undefined;
}
