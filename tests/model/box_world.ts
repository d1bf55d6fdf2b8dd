/** The real thing: the RouterOS adapter over SSH to a simulated box in this process. */
import assert from "node:assert/strict";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openRouterOsArray } from "../../src/adapters/routeros-ssh/array.ts";
import type { RouterOsArray } from "../../src/adapters/routeros-ssh/array.ts";
import type { CopyStrategy } from "../../src/adapters/routeros-ssh/copies.ts";
import { systemClock } from "../../src/adapters/system/clock.ts";
import type { Backend } from "../../src/application/backends.ts";
import type { Clock } from "../../src/ports/clock.ts";
import type { BoxOptions } from "../../src/simulator/box/options.ts";
import type { Fault } from "../../src/simulator/faults.ts";
import { runLine } from "../../src/simulator/language/console.ts";
import { generateKeyPair } from "../../src/simulator/server/key_pair.ts";
import { startSimulator } from "../../src/simulator/simulator.ts";
import type { Simulator } from "../../src/simulator/simulator.ts";
import type { CsiClient } from "../../tools/trial/csi_client.ts";
import { startController } from "./controller_process.ts";
import type { ControllerProcess } from "./controller_process.ts";
import { Mortal } from "./mortal.ts";
import type { Copies } from "./oracle.ts";
import type { CutAt } from "./steps.ts";
import { STORAGE_ADDRESS } from "./volume_calls.ts";
import type { Inventory, World } from "./world.ts";

/** What kind of box, and how the driver is set up for it. */
export interface BoxSetup {
  /** How copies turn out on this box with this strategy. */
  readonly copies: Copies;
  readonly strategy: "auto" | CopyStrategy;
  readonly box: Omit<BoxOptions, "directory" | "users">;
  /** As many times faster as the driver's time goes, so that its pauses and deadlines are short. */
  readonly haste?: number;
}

const POOL = "storage-pool";
const BASE = `${POOL}/model`;
const CLUSTER = "model";
const KEYS = generateKeyPair("ed25519", "model");
const SHORT_OF_SIGHT = { user: "admin", policies: new Set(["read", "write"] as const), width: 80 };
/** What others keep below our own base path: a file, and another cluster's volume. */
const NEIGHBOURS = [
  `/file/add name=${BASE} type=directory`,
  `/file/add name=${BASE}/notes.txt type=file contents="not ours"`,
  `/disk/add type=file slot=pvc-neighbour file-path=/${BASE}/neighbour.img file-size=1073741824` +
  ` nvme-tcp-export=yes nvme-tcp-server-port=44200` +
  ` nvme-tcp-server-nqn=nqn.2000-02.com.mikrotik:pvc-neighbour` +
  ` comment="r1;k=v;i=other;n=0123456789012345678901;s=-;t=1;p=-;a=-;st=r"`,
];
const NEIGHBOUR_FILES = ["notes.txt", "neighbour.img"];
/** Where contents are written: at the start, and at the end of the smallest volume. */
const PLACES = [0, 1024 ** 3 - 64];
const CONTENT_BYTES = 64;
const HASTE = 25;
/** In the driver's time. */
const TIMEOUTS = { dialMs: 12_500, readMs: 5000, changeMs: 5000, copyMs: 10_000, closeMs: 500 };

function hastyClock(haste: number): Clock {
  return {
    ...systemClock,
    sleep: (milliseconds, signal) => systemClock.sleep(milliseconds / haste, signal),
  };
}

/** One life of the driver. */
interface Life {
  readonly mortal: Mortal;
  readonly array: RouterOsArray;
  readonly controller: ControllerProcess;
}

/** Changes a backend on its way to the controller; for tests that plant a bug. */
export type Wrap = (backend: Backend) => Backend;

/** Starts a box and a driver. */
export async function openBoxWorld(setup: BoxSetup, wrap: Wrap = (it) => it): Promise<World> {
  await using stack = new AsyncDisposableStack();
  const directory = await mkdtemp(join(await fastDirectory(), "rds-csi-model-"));
  stack.defer(() => rm(directory, { recursive: true, force: true }));
  const simulator = stack.use(
    await startSimulator({
      authorizedKeys: KEYS.publicLine,
      directory: join(directory, "rds"),
      box: setup.box,
    }),
  );
  for (const line of NEIGHBOURS) await ask(simulator, line);
  const world = new BoxWorld(simulator, directory, setup, wrap);
  stack.use(world.lives);
  await world.restart();
  world.resources = stack.move();
  return world;
}

class BoxWorld implements World {
  readonly copies: Copies;
  readonly lives: AsyncDisposable;
  resources: AsyncDisposable | undefined;
  mayHang = false;
  readonly answers: Set<string> = new Set();
  readonly #simulator: Simulator;
  readonly #directory: string;
  readonly #setup: BoxSetup;
  readonly #wrap: Wrap;
  readonly #ending = new Set<Promise<unknown>>();
  #life: Life | undefined;
  #lifeCount = 0;
  #draw = 1;

  constructor(simulator: Simulator, directory: string, setup: BoxSetup, wrap: Wrap) {
    this.#simulator = simulator;
    this.#directory = directory;
    this.#setup = setup;
    this.#wrap = wrap;
    this.copies = setup.copies;
    this.lives = { [Symbol.asyncDispose]: () => this.#endAll() };
  }

  get client(): CsiClient {
    if (this.#life === undefined) throw new Error("Cannot call: no controller runs");
    return this.#life.controller.client;
  }

  async inflict(fault: Fault): Promise<void> {
    if (["hang", "hang-after", "half-open"].includes(fault.kind)) this.mayHang = true;
    await this.#simulator.addFault(fault);
  }

  async fill(): Promise<void> {
    await this.#simulator.addFault({ kind: "disk-full", freeBytes: 0 });
  }

  async cutShort(id: string, at: CutAt): Promise<void> {
    const found = `[/disk/find where file-path="/${BASE}/${id}.img"]`;
    const letter = at === "creating" ? "c" : "d";
    await ask(
      this.#simulator,
      `:local d ${found}; :local n [/disk/get $d comment];` +
        ` /disk/set $d nvme-tcp-export=no comment=([:pick $n 0 ([:len $n] - 1)] . "${letter}")`,
    );
    if (at === "item-removed") await ask(this.#simulator, `/disk/remove ${found}`);
  }

  calm(): void {
    this.#simulator.clearFaults();
    this.mayHang = false;
  }

  crashAt(command: number, moment: "before" | "after"): void {
    this.#life?.mortal.dieAt(command, moment);
  }

  async restart(): Promise<void> {
    this.#life?.mortal.die();
    const life = this.#lifeCount++;
    const mortal = new Mortal(() => this.#bury());
    const array = this.#openArray(mortal);
    const { volumes, snapshots } = array;
    const backend = this.#wrap({
      ...{ name: "box", volumes, snapshots, storageAddress: STORAGE_ADDRESS },
      isReachable: () => array.isReachable(),
    });
    this.#life = {
      mortal,
      array,
      controller: await startController(backend, this.#directory, life),
    };
  }

  write(id: string, content: string): Promise<void> {
    return new Promise((resolve) => resolve(writeText(this.#fileOf(id), content)));
  }

  read(id: string): Promise<string> {
    return new Promise((resolve) => resolve(readText(this.#fileOf(id))));
  }

  async inventory(): Promise<Inventory> {
    const items: string[] = [];
    const files: string[] = [];
    const foreign: string[] = [];
    let freeBytes = 0;
    for (const row of await this.#rows("/disk/print detail as-value")) {
      const id = /^\/?storage-pool\/model\/(.*)\.img$/.exec(String(row["file-path"]))?.[1];
      const isOurs = String(row["comment"]).includes(`;i=${CLUSTER};`) ||
        (id !== undefined && id !== "neighbour");
      if (row["mount-point"] === POOL) freeBytes = Number(row["free"]);
      if (isOurs) items.push(id ?? String(row["slot"]));
      else foreign.push(this.#foreignRow(row));
    }
    for (const row of await this.#rows("/file/print detail as-value")) {
      const name = String(row["name"]);
      const below = name.startsWith(`${BASE}/`) ? name.slice(BASE.length + 1) : undefined;
      if (below === undefined || NEIGHBOUR_FILES.includes(below)) {
        foreign.push(this.#foreignRow(row));
      } else files.push(below.replace(/\.img$/, ""));
    }
    const violations = this.#simulator.violations().map(({ kind, detail }) => `${kind}: ${detail}`);
    return { items: items.sort(), files: files.sort(), freeBytes, foreign, violations };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.resources?.[Symbol.asyncDispose]();
  }

  #openArray(mortal: Mortal): RouterOsArray {
    return openRouterOsArray({
      ...{ name: "box", address: "127.0.0.1", port: this.#simulator.port, user: "admin" },
      privateKey: { text: KEYS.privateText },
      hostKeys: [this.#simulator.hostKeyFingerprint],
      clusterId: CLUSTER,
      basePath: `/${BASE}`,
      nvmePorts: { first: 44_200, last: 48_295 },
      minFreePercent: 5,
      snapshots: { strategy: this.#setup.strategy, whileAttached: "refuse" },
      timeouts: TIMEOUTS,
      observe: () => {},
      clock: hastyClock(this.#setup.haste ?? HASTE),
      random: () => this.#random(),
      onExec: () => mortal.sends(),
    });
  }

  /** Jitter and nonces that are the same in every run. */
  #random(): number {
    this.#draw = (this.#draw * 48_271) % 2_147_483_647;
    return this.#draw / 2_147_483_647;
  }

  #fileOf(id: string): string {
    return join(this.#directory, "rds", "box", "files", BASE, `${id}.img`);
  }

  async #rows(print: string): Promise<Readonly<Record<string, unknown>>[]> {
    const text = await ask(
      this.#simulator,
      `:foreach r in=[${print}] do={ :put [:serialize to=json value=$r] }`,
    );
    return text.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line));
  }

  /** What of a row of others must not change: all but a pool's space, and what reboots change. */
  #foreignRow(row: Readonly<Record<string, unknown>>): string {
    const volatile = ["free", "use", ...(this.#setup.box.idsChangeOnReboot ? [".id"] : [])];
    return JSON.stringify(row, (key, value) => volatile.includes(key) ? undefined : value);
  }

  #bury(): void {
    const life = this.#life;
    this.#life = undefined;
    if (life === undefined) return;
    const ended = Promise.all([life.array[Symbol.asyncDispose](), life.controller.end()])
      .finally(() => this.#ending.delete(ended));
    this.#ending.add(ended);
  }

  async #endAll(): Promise<void> {
    this.#life?.mortal.die();
    await Promise.all(this.#ending);
  }
}

/** Runs a line at the box's console, past SSH and its faults. */
async function ask({ box }: Simulator, line: string): Promise<string> {
  let printed = "";
  await runLine(line, box.tree, SHORT_OF_SIGHT, {
    print: (text) => printed += text,
    globals: new Map(),
    signal: new AbortController().signal,
  });
  assert.doesNotMatch(printed, /\((\/|line )/, line);
  return printed;
}

/** A file system in memory where there is one: a sequence makes many files and keeps none. */
async function fastDirectory(): Promise<string> {
  const isThere = await stat("/dev/shm").then((entry) => entry.isDirectory(), () => false);
  return isThere ? "/dev/shm" : tmpdir();
}

/** Writes a text at every place; at once, as files are opened at once by the box too. */
function writeText(path: string, text: string): void {
  using file = Deno.openSync(path, { read: true, write: true });
  const bytes = new TextEncoder().encode(text.padEnd(CONTENT_BYTES, "\0"));
  for (const place of PLACES) {
    file.seekSync(place, Deno.SeekMode.Start);
    assert.equal(file.writeSync(bytes), CONTENT_BYTES);
  }
}

/** The text that stands at every place; several when they differ. */
function readText(path: string): string {
  using file = Deno.openSync(path);
  const found = PLACES.map((place) => {
    const bytes = new Uint8Array(CONTENT_BYTES);
    file.seekSync(place, Deno.SeekMode.Start);
    assert.equal(file.readSync(bytes), CONTENT_BYTES);
    return new TextDecoder().decode(bytes).replace(/\0*$/, "");
  });
  return [...new Set(found)].join(" / ");
}
