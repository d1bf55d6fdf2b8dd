/** A simulated box and our adapter over real SSH on loopback, for the tests in this folder. */
import { systemClock } from "../../../src/adapters/system/clock.ts";
import { openRouterOsArray } from "../../../src/adapters/routeros-ssh/array.ts";
import type {
  RouterOsArray,
  RouterOsArrayOptions,
} from "../../../src/adapters/routeros-ssh/array.ts";
import type { SentCommand } from "../../../src/adapters/routeros-ssh/session.ts";
import type { DriverEvent } from "../../../src/ports/events.ts";
import { generateKeyPair } from "../../../src/simulator/server/key_pair.ts";
import type { KeyPair } from "../../../src/simulator/server/key_pair.ts";
import { startSimulator } from "../../../src/simulator/simulator.ts";
import type { Simulator } from "../../../src/simulator/simulator.ts";
import type { SimulatorOptions } from "../../../src/simulator/simulator_options.ts";

/** The user that the tests log in as. */
export const USER = "metal-csi";

/** A key pair that the simulator accepts. */
export const CLIENT_KEY: KeyPair = generateKeyPair("ed25519", "tests");

/** A signal that ends a test that hangs. */
export function soon(milliseconds = 20_000): AbortSignal {
  return AbortSignal.timeout(milliseconds);
}

/** A box with our adapter in front of it. */
export interface Rig extends AsyncDisposable {
  readonly simulator: Simulator;
  readonly array: RouterOsArray;
  readonly events: DriverEvent[];
  /** Waits for the moment, now or at a later event, at which `holds`. */
  until(holds: () => boolean): Promise<void>;
  /** The commands sent so far, those of the probes left out. */
  readonly sent: SentCommand[];
  /** Another driver on the same box. */
  open(options: Partial<RouterOsArrayOptions>): RouterOsArray;
}

/** Starts both; a probe of limits and copies is done unless `isPrepared` is false. */
export async function startRig(
  simulation: SimulatorOptions = {},
  options: Partial<RouterOsArrayOptions> = {},
  isPrepared = true,
): Promise<Rig> {
  await using stack = new AsyncDisposableStack();
  const user = { name: USER, group: "csi", password: undefined, publicKeys: [] };
  const policies = new Set(["ssh", "read", "write", "test"] as const);
  const simulator = stack.use(
    await startSimulator({
      authorizedKeys: CLIENT_KEY.publicLine,
      ...simulation,
      box: { users: [{ ...user, policies }], ...simulation.box },
    }),
  );
  const events: DriverEvent[] = [];
  const sent: SentCommand[] = [];
  const lookers = new Set<() => void>();
  const until = (holds: () => boolean): Promise<void> =>
    new Promise<void>((resolve) => {
      const look = (): void => {
        if (!holds()) return;
        lookers.delete(look);
        resolve();
      };
      lookers.add(look);
      look();
    });
  const base: RouterOsArrayOptions = {
    name: "rds-1",
    address: "127.0.0.1",
    port: simulator.port,
    user: USER,
    privateKey: { text: CLIENT_KEY.privateText },
    hostKeys: [simulator.hostKeyFingerprint],
    clusterId: "c1",
    basePath: "/storage-pool/k8s/csi",
    nvmePorts: { first: 20_000, last: 24_999 },
    minFreePercent: 5,
    snapshots: { strategy: "auto", whileAttached: "refuse" },
    observe: (event) => {
      events.push(event);
      for (const look of lookers) look();
    },
    clock: systemClock,
    random: Math.random,
    onExec: (command) => {
      if (command.lane !== "probe") sent.push(command);
    },
  };
  const open = (more: Partial<RouterOsArrayOptions>): RouterOsArray => {
    return openRouterOsArray({ ...base, ...options, ...more });
  };
  const array = stack.use(open({}));
  if (isPrepared) await array.prepare(soon());
  const resources = stack.move();
  return {
    simulator,
    array,
    events,
    sent,
    until,
    open,
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}
