/**
 * What can happen in a sequence, as plain data, so that it can be drawn, shrunk, printed and played
 * again. Every step makes sense in every state: where a call cannot succeed, its failure is what is
 * expected.
 */
import fc from "fast-check";
import type { Fault, LineClass } from "../../src/simulator/faults.ts";

type Texts = Readonly<Record<string, string>>;
type SizeKey =
  | "unsaid"
  | "oneGib"
  | "justAboveOneGib"
  | "atMostOneGib"
  | "exactlyTwoGib"
  | "threeGib"
  | "crossed"
  | "tooSmall"
  | "tooLarge";
type UseKey =
  | "mount"
  | "singleWriter"
  | "multiWriter"
  | "reader"
  | "sharedBlock"
  | "sharedMount"
  | "sharedReader";
type ClassKey = "plain" | "slow" | "elsewhere" | "unknownKey" | "contradictory";
type ChangeKey =
  | "nothing"
  | "patient"
  | "hasty"
  | "lazy"
  | "watchful"
  | "fixedKey"
  | "outOfRange";

/** A size as it is asked for, in bytes; 0 = not said. */
export interface SizeRange {
  readonly requiredBytes: number;
  readonly limitBytes: number;
}

/** A way to use a volume. */
export interface Use {
  readonly mode:
    | "SINGLE_NODE_WRITER"
    | "SINGLE_NODE_SINGLE_WRITER"
    | "SINGLE_NODE_MULTI_WRITER"
    | "SINGLE_NODE_READER_ONLY"
    | "MULTI_NODE_MULTI_WRITER"
    | "MULTI_NODE_READER_ONLY";
  readonly isBlock: boolean;
}

/** Sizes asked for; the last three are wrong. */
export const SIZES: Readonly<Record<SizeKey, SizeRange>> = {
  unsaid: { requiredBytes: 0, limitBytes: 0 },
  oneGib: { requiredBytes: 1024 ** 3, limitBytes: 0 },
  justAboveOneGib: { requiredBytes: 1024 ** 3 + 1, limitBytes: 0 },
  atMostOneGib: { requiredBytes: 0, limitBytes: 1024 ** 3 },
  exactlyTwoGib: { requiredBytes: 2 * 1024 ** 3, limitBytes: 2 * 1024 ** 3 },
  threeGib: { requiredBytes: 3 * 1024 ** 3, limitBytes: 0 },
  crossed: { requiredBytes: 2 * 1024 ** 3, limitBytes: 1024 ** 3 },
  tooSmall: { requiredBytes: 1, limitBytes: 1024 ** 2 },
  tooLarge: { requiredBytes: 17 * 1024 ** 4, limitBytes: 0 },
};

/** Ways to use a volume; the last two cannot be offered. */
export const USES: Readonly<Record<UseKey, Use>> = {
  mount: { mode: "SINGLE_NODE_WRITER", isBlock: false },
  singleWriter: { mode: "SINGLE_NODE_SINGLE_WRITER", isBlock: false },
  multiWriter: { mode: "SINGLE_NODE_MULTI_WRITER", isBlock: false },
  reader: { mode: "SINGLE_NODE_READER_ONLY", isBlock: false },
  sharedBlock: { mode: "MULTI_NODE_MULTI_WRITER", isBlock: true },
  sharedMount: { mode: "MULTI_NODE_MULTI_WRITER", isBlock: false },
  sharedReader: { mode: "MULTI_NODE_READER_ONLY", isBlock: true },
};

/** Parameters of StorageClasses; the last two are wrong. */
export const CLASSES: Readonly<Record<ClassKey, Texts>> = {
  plain: {},
  slow: { reconnectDelay: "7" },
  elsewhere: { nvmeAddress: "192.0.2.9" },
  unknownKey: { colour: "blue" },
  contradictory: { ctrlLossTmo: "10", reconnectDelay: "9" },
};

/** Parameters of VolumeAttributesClasses; the last two are wrong. */
export const CHANGES: Readonly<Record<ChangeKey, Texts>> = {
  nothing: {},
  patient: { ctrlLossTmo: "-1" },
  hasty: { ctrlLossTmo: "30" },
  lazy: { reconnectDelay: "20" },
  watchful: { keepAliveTmo: "30" },
  fixedKey: { backend: "other" },
  outOfRange: { ctrlLossTmo: "0" },
};

/** The names that volumes are asked for by. */
export const VOLUME_NAMES: readonly string[] = [
  "pvc-10000000-0000-4000-8000-000000000001",
  "pvc-20000000-0000-4000-8000-000000000002",
  'a third "volume", ünd $so on',
];

/** The names that snapshots are asked for by. */
export const SNAPSHOT_NAMES: readonly string[] = ["snapshot-1", "snapshot-2", "a third; one=[é]"];

/** The nodes; the last is no node of this driver. */
export const NODES: readonly string[] = [
  "worker-1@00000000-0000-4000-8000-000000000001",
  "worker-2@00000000-0000-4000-8000-000000000002",
  "worker-3@00000000-0000-4000-8000-000000000003",
  "worker-4",
];

/** How far a command got: it was making the thing, or removing it, or had only its file to remove. */
export type CutAt = "creating" | "deleting" | "item-removed";

/** Where the content of a new volume comes from; strangers exist nowhere. */
export type SourceStep =
  | { readonly from: "nothing" | "stranger" | "nonsense" }
  | { readonly from: "volume" | "snapshot"; readonly name: number };

/** One CSI call that names a volume to change. */
export type VolumeCall =
  | {
    readonly call: "create-volume";
    readonly name: number;
    readonly size: SizeKey;
    readonly use: UseKey;
    readonly parameters: ClassKey;
    readonly source: SourceStep;
  }
  | { readonly call: "delete-volume"; readonly name: number }
  | { readonly call: "expand"; readonly name: number; readonly size: SizeKey }
  | { readonly call: "modify"; readonly name: number; readonly change: ChangeKey }
  | {
    readonly call: "publish";
    readonly name: number;
    readonly node: number;
    readonly use: UseKey;
    readonly isReadOnly: boolean;
  }
  /** Without a node: from all of them. */
  | { readonly call: "unpublish"; readonly name: number; readonly node: number | undefined };

/** One CSI call that names a snapshot to change. */
export type SnapshotCall =
  | { readonly call: "create-snapshot"; readonly name: number; readonly source: number }
  | { readonly call: "delete-snapshot"; readonly name: number };

/** One CSI call that only looks. */
export type Look =
  | { readonly call: "get-volume" | "get-snapshot" | "validate"; readonly name: number }
  | { readonly call: "list-volumes"; readonly pageSize: number }
  | {
    readonly call: "list-snapshots";
    readonly pageSize: number;
    readonly name: number | undefined;
    readonly source: number | undefined;
  }
  | { readonly call: "get-capacity" | "list-with-bad-token" };

/** One CSI call. */
export type CallStep = VolumeCall | SnapshotCall | Look;

/** One thing that happens. */
export type Step =
  | CallStep
  /** A node writes into its volume. */
  | { readonly event: "write"; readonly name: number }
  | { readonly event: "fault"; readonly fault: Fault }
  /** The pool has no space left, or has it again. */
  | { readonly event: "full" | "calm" }
  /** The controller is gone from one moment to the next; another takes its place. */
  | { readonly event: "crash" }
  /** As crash, when it is about to send (or has just sent) its n-th command for this call. */
  | {
    readonly event: "crash-during";
    readonly call: CallStep;
    readonly command: number;
    readonly moment: "before" | "after";
  }
  /** The same call twice at once. */
  | { readonly event: "twice"; readonly call: CallStep }
  /** The call is tried once, whatever becomes of it; then the volume is to be deleted. */
  | { readonly event: "give-up"; readonly call: VolumeCall }
  /** The box lost power in the midst of a command: a thing stands there as that leaves it. */
  | {
    readonly event: "cut-short";
    readonly thing: "volume" | "snapshot";
    readonly name: number;
    readonly at: CutAt;
  };

const volumeName = fc.nat(VOLUME_NAMES.length - 1);
const snapshotName = fc.nat(SNAPSHOT_NAMES.length - 1);
const node = fc.oneof(
  { weight: 9, arbitrary: fc.nat(NODES.length - 2) },
  { weight: 1, arbitrary: fc.constant(NODES.length - 1) },
);
const size = keyOf(SIZES, 6, 3);
const use = keyOf(USES, 5, 2);

const source: fc.Arbitrary<SourceStep> = fc.oneof(
  { weight: 6, arbitrary: fc.constant({ from: "nothing" as const }) },
  {
    weight: 5,
    arbitrary: fc.record({ from: fc.constant("snapshot" as const), name: snapshotName }),
  },
  { weight: 3, arbitrary: fc.record({ from: fc.constant("volume" as const), name: volumeName }) },
  { weight: 1, arbitrary: fc.constantFrom<SourceStep>({ from: "stranger" }, { from: "nonsense" }) },
);

const createVolume = fc.record({
  call: fc.constant("create-volume" as const),
  name: volumeName,
  size,
  use,
  parameters: keyOf(CLASSES, 3, 2),
  source,
});
const deleteVolume = fc.record({ call: fc.constant("delete-volume" as const), name: volumeName });
const expand = fc.record({ call: fc.constant("expand" as const), name: volumeName, size });
const modify = fc.record({
  call: fc.constant("modify" as const),
  name: volumeName,
  change: keyOf(CHANGES, 5, 2),
});
const publish = fc.record({
  call: fc.constant("publish" as const),
  name: volumeName,
  node,
  // One node or two: as often the one as the other, for it is the mixtures that must be refused.
  use: fc.oneof(use, fc.constant<UseKey>("sharedBlock")),
  isReadOnly: fc.boolean(),
});
const unpublish = fc.record({
  call: fc.constant("unpublish" as const),
  name: volumeName,
  node: fc.option(node, { nil: undefined }),
});
const createSnapshot = fc.record({
  call: fc.constant("create-snapshot" as const),
  name: snapshotName,
  source: volumeName,
});
const deleteSnapshot = fc.record({
  call: fc.constant("delete-snapshot" as const),
  name: snapshotName,
});

const volumeCall: fc.Arbitrary<VolumeCall> = fc.oneof(
  { weight: 8, arbitrary: createVolume },
  { weight: 3, arbitrary: deleteVolume },
  { weight: 2, arbitrary: expand },
  { weight: 2, arbitrary: modify },
  { weight: 6, arbitrary: publish },
  { weight: 3, arbitrary: unpublish },
);
const snapshotCall: fc.Arbitrary<SnapshotCall> = fc.oneof(
  { weight: 3, arbitrary: createSnapshot },
  { weight: 1, arbitrary: deleteSnapshot },
);
const pageSize = fc.nat(2);
const look: fc.Arbitrary<Look> = fc.oneof(
  fc.record({
    call: fc.constantFrom("get-volume", "get-snapshot", "validate"),
    name: fc.nat(VOLUME_NAMES.length - 1),
  }),
  fc.record({ call: fc.constant("list-volumes" as const), pageSize }),
  fc.record({
    call: fc.constant("list-snapshots" as const),
    pageSize,
    name: fc.option(snapshotName, { nil: undefined }),
    source: fc.option(volumeName, { nil: undefined }),
  }),
  fc.record({ call: fc.constantFrom("get-capacity", "list-with-bad-token") }),
);
const change: fc.Arbitrary<CallStep> = fc.oneof(
  { weight: 5, arbitrary: volumeCall },
  { weight: 2, arbitrary: snapshotCall },
);

const strike = {
  times: fc.integer({ min: 1, max: 2 }),
  skip: fc.nat(2),
  on: fc.oneof(
    fc.constant<LineClass[]>(["read", "add", "change", "remove"]),
    fc.constantFrom<LineClass[]>(["add"], ["change"], ["remove"], ["read"]),
  ),
};
const fault: fc.Arbitrary<Fault> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constantFrom("reset-before", "reset-after"), ...strike }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constantFrom("reset-middle", "truncate"),
      afterBytes: fc.nat(40),
      ...strike,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constantFrom("hang", "hang-after", "half-open"),
      ...strike,
      times: fc.constant(1),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("refuse-connections" as const),
      times: fc.integer({ min: 1, max: 2 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("lose-replies" as const),
      percent: fc.constant(25),
      seed: fc.nat(1000),
    }),
  },
  { weight: 1, arbitrary: fc.constant<Fault>({ kind: "reboot", seconds: 0 }) },
);

const disturbed: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ event: fc.constant("fault" as const), fault }) },
  { weight: 1, arbitrary: fc.constant<Step>({ event: "calm" }) },
  { weight: 1, arbitrary: fc.constant<Step>({ event: "crash" }) },
  {
    weight: 2,
    arbitrary: fc.record({
      event: fc.constant("crash-during" as const),
      call: change,
      command: fc.integer({ min: 1, max: 3 }),
      moment: fc.constantFrom("before", "after"),
    }),
  },
  { weight: 2, arbitrary: fc.record({ event: fc.constant("twice" as const), call: change }) },
  { weight: 1, arbitrary: fc.record({ event: fc.constant("give-up" as const), call: volumeCall }) },
);

const cutShort: fc.Arbitrary<Step> = fc.record({
  event: fc.constant("cut-short" as const),
  thing: fc.constantFrom("volume", "snapshot"),
  name: volumeName,
  at: fc.constantFrom("creating", "deleting", "item-removed"),
});
const write = fc.record({ event: fc.constant("write" as const), name: volumeName });

/** What a world can be put through. */
export interface StepsOptions {
  /** Whether it is a box, whose pool can be filled and whose commands can be cut short. */
  readonly isBox: boolean;
}

/** Sequences of steps; ten on average. */
export function sequences({ isBox }: StepsOptions): fc.Arbitrary<Step[]> {
  const step: fc.Arbitrary<Step> = fc.oneof(
    { weight: 38, arbitrary: change },
    { weight: 8, arbitrary: look },
    { weight: 5, arbitrary: write },
    { weight: 13, arbitrary: disturbed },
    // Rare, because nothing new can be made until it is calm again.
    { weight: isBox ? 1 : 0, arbitrary: fc.constant<Step>({ event: "full" }) },
    { weight: isBox ? 6 : 0, arbitrary: cutShort },
  );
  return fc.array(step, { minLength: 1, maxLength: 20, size: "max" });
}

/** A step in few words. */
export function describe(step: Step): string {
  return JSON.stringify(step);
}

/** A key of `table`: one of the first `usualCount` nearly always, else one of the `oddCount` last. */
function keyOf<Table extends object>(
  table: Table,
  usualCount: number,
  oddCount: number,
): fc.Arbitrary<keyof Table> {
  const keys = Object.keys(table).filter((key): key is keyof Table & string => key in table);
  return fc.oneof(
    { weight: 12, arbitrary: fc.constantFrom(...keys.slice(0, usualCount)) },
    { weight: 1, arbitrary: fc.constantFrom(...keys.slice(-oddCount)) },
  );
}
