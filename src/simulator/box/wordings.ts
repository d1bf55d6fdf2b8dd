/**
 * Texts of errors that nobody has published from hardware. There are two sets, so that a client
 * that branches on one of them fails against the other.
 */

/** The failures whose text on a real box is unknown. */
export interface Wordings {
  readonly noSpace: string;
  readonly slotExists: string;
  readonly slotTooLong: string;
  readonly commentTooLong: string;
  readonly fileExists: string;
  readonly fileMissing: string;
  readonly directoryMissing: string;
  readonly inUse: string;
  readonly readOnly: string;
  readonly shrinkRefused: string;
  readonly contentsTooLong: string;
  readonly subvolumeExists: string;
}

/** Both sets of texts, by the name of the option. */
export const WORDINGS: Readonly<Record<"plain" | "alternate", Wordings>> = {
  plain: {
    noSpace: "failure: not enough space",
    slotExists: "failure: already have disk with such slot",
    slotTooLong: "failure: slot name too long",
    commentTooLong: "failure: comment too long",
    fileExists: "failure: file already exists",
    fileMissing: "failure: file does not exist",
    directoryMissing: "failure: no such directory",
    inUse: "failure: disk is in use",
    readOnly: "failure: read-only file system",
    shrinkRefused: "failure: can not shrink file",
    contentsTooLong: "failure: contents too long",
    subvolumeExists: "failure: subvolume already exists",
  },
  alternate: {
    noSpace: "failure: No space left on device (28)",
    slotExists: "failure: slot must be unique",
    slotTooLong: "value of slot is too long, maximum 32",
    commentTooLong: "value of comment is too long",
    fileExists: "failure: File exists (17)",
    fileMissing: "failure: could not open file: No such file or directory",
    directoryMissing: "failure: could not create file: No such file or directory",
    inUse: "failure: Device or resource busy (16)",
    readOnly: "failure: Read-only file system (30)",
    shrinkRefused: "failure: new file-size is smaller than current",
    contentsTooLong: "value of contents is too long",
    subvolumeExists: "failure: File exists",
  },
};
