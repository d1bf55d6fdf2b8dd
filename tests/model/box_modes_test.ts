/** Boxes that are different where nobody knows what the real one does. */
import { testBox } from "./box_exploration.ts";

const SHARE = 0.05;

testBox("box-full-copies", {
  copies: "full",
  strategy: "copy-from",
  box: {
    copyFrom: "independent-full",
    fileCopy: "full",
    removeKeepsFile: false,
    slotLimit: undefined,
    wordings: "alternate",
  },
}, SHARE);
testBox("box-file-copies", {
  copies: "cow",
  strategy: "auto",
  box: { copyFrom: "property-only", idsChangeOnReboot: true, identity: "changing" },
}, SHARE);
testBox("box-property-only", {
  copies: "refused",
  strategy: "copy-from",
  box: { copyFrom: "property-only", version: "7.21.3", slotTooLong: "truncate" },
}, SHARE);
testBox("box-shared", {
  copies: "refused",
  strategy: "copy-from",
  box: { copyFrom: "shared", poolFileSystem: "xfs", commentLimit: 384 },
}, SHARE);
