/** A block device of this node, told apart from every other by its number, never by its path. */

/**
 * What the kernel tells devices apart by, `major:minor`. A path such as `/dev/nvme0n1` can belong
 * to another device a moment later; the number of a device that something still holds cannot.
 * Made only by {@link deviceNumberOf}.
 */
export type DeviceNumber = string & { readonly brand: "DeviceNumber" };

/** A block device as it was when somebody looked. */
export interface BlockDevice {
  /** The device node, for example `/dev/nvme0n1`; for opening, not for comparing. */
  readonly path: string;
  readonly number: DeviceNumber;
  readonly sizeBytes: number;
  /**
   * What the array calls the namespace: its UUID, else its NGUID, in lower case; undefined where it
   * shows none. It must be the same after a reconnect: another one may be another disk's.
   */
  readonly identity: string | undefined;
}

/** The number of the device with these two parts. */
export function deviceNumberOf(major: number, minor: number): DeviceNumber {
  return `${major}:${minor}` as DeviceNumber;
}
