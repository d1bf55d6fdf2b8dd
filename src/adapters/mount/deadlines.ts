/** How long the kernel and the tools may take, in milliseconds; what is longer is left behind. */

/** mount: it replays the journal, which can be long and waits for the device. */
export const MOUNT_MS = 100_000;
/** umount and sync: they write out what is in memory. */
export const UNMOUNT_MS = 100_000;
/** Commands that touch no device. */
export const PLAIN_MS = 20_000;
/** Direct reads of the places that are looked at, 10 MiB at the most. */
export const READ_MS = 60_000;
/** An exclusive open. */
export const OPEN_MS = 20_000;
/** statfs. */
export const MEASURE_MS = 5_000;
/** mkfs: without discards most write little; ext3 writes a 64th of the device. */
export const FORMAT_MS = 3_600_000;
/** A check that has something to repair. */
export const CHECK_MS = 3_600_000;
/** Growing. */
export const GROW_MS = 300_000;
